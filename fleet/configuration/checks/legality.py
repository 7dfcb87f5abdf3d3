"""Venues that refuse a country's addresses: no region of that country trades there, stands by, or reads from there."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.catalogue.physics import distance_km
from fleet.catalogue.venues import Venue
from fleet.configuration.draft import Draft
from fleet.model.problems import Problem
from fleet.model.validation import at


def check_legality(draft: Draft) -> Iterator[Problem]:
    """Whoever is refused would find out when the account is moved there: so standing by is refused as well."""
    for stack in draft.stacks.values():
        for written in stack.venues:
            venue = draft.venues.by_name.get(written.use.venue)
            if venue is None or not venue.refused_from:
                continue
            country = _country(draft, stack.name)
            if country not in venue.refused_from:
                continue
            message = f"cannot be in {country}: {venue.title} refuses {country} addresses ({venue.refusal})"
            open_to = _open_to(draft, venue)
            hint = f"the nearest to {venue.title} is {open_to[0]}" if open_to else ""
            allowed = f"one of the regions {', '.join(open_to)}" if open_to else f"a region outside of {country}"
            yield at(stack.document, written.path, written.use.mode, message, allowed, hint)


def _country(draft: Draft, region: str) -> str:
    """Empty where the place is unknown: another check says so."""
    found = draft.fleet.regions.get(region) if draft.fleet else None
    try:
        return draft.venues.country_of(found.place) if found else ""
    except KeyError:
        return ""


def _open_to(draft: Draft, venue: Venue) -> list[str]:
    """The regions that a venue answers, the nearest to it first."""
    places, regions = draft.catalogue.places, draft.fleet.regions if draft.fleet else {}
    sites = [places[site.place] for site in draft.venues.sites_of(venue.name) if site.place in places]
    far = {
        name: min((distance_km(places[region.place], site) for site in sites), default=0.0)
        for name, region in regions.items()
        if region.place in places and _country(draft, name) not in ("", *venue.refused_from)
    }
    return sorted(far, key=lambda name: (far[name], name))
