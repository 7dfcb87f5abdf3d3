"""Where venues are, for those who ask how far: one site for most, several for some, none for those everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

from fleet.catalogue.catalogue import Confidence, Row
from fleet.catalogue.overlay import NO_OWN_ROWS, Overlay
from fleet.catalogue.reading import rows
from fleet.catalogue.venues import Country, Venue, load_venues

if TYPE_CHECKING:
    from fleet.catalogue.claims import ExpectedClaim
    from fleet.catalogue.round_trips import RoundTrips


class SiteRow(Row):
    """What is taken to hold of a venue's site beside the venue's own row."""

    venue: str
    site: str = ""
    """Tells a venue's sites apart; empty for one that has a single one."""
    place: str = ""
    """Empty: what the venue's row says."""
    claimed_place: str = ""
    """The place nearest to what the specification says."""
    edge: bool = False
    """A content network answers everywhere: no place is nearer than another."""


class CountryRow(Row):
    """The places of a country."""

    country: Country
    places: tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """Where a venue is, or one of the parts of a venue that are apart."""

    venue: Venue
    name: str
    """The venue's name, with the site's behind a slash where it has several."""
    place: str
    """The best that is known; empty where a content network answers."""
    claimed_place: str
    """What the specification says."""
    confidence: Confidence
    source: str
    edge: bool
    countries: Mapping[str, str] = field(repr=False, compare=False)
    """The country of each place."""

    def refusal_at(self, place: str) -> str:
        """Why it does not answer servers in a place; empty: nothing is known that forbids it.

        Raises:
            KeyError: the catalogue knows no country of the place.
        """
        country = self.countries[place]
        if country not in self.venue.refused_from:
            return ""
        return f"{self.venue.title} refuses {country} addresses: {self.venue.refusal}"


@dataclass(frozen=True)
class VenueList:
    """Every venue, where each is, and what is known of the ways to them."""

    by_name: Mapping[str, Venue]
    sites: tuple[Site, ...]
    """Of brokers and data providers, in the order of the venues."""
    own: Overlay = NO_OWN_ROWS
    """The rows of the fleet's own that are in it, among them those of the ways to the venues."""

    @cached_property
    def trips(self) -> RoundTrips:
        """How long it takes from place to place."""
        from fleet.catalogue.round_trips import round_trips_with

        return round_trips_with(self.own)

    @cached_property
    def claims(self) -> tuple[ExpectedClaim, ...]:
        """What the specification promises."""
        from fleet.catalogue.claims import expected_claims_with

        return expected_claims_with(self.own)

    @cached_property
    def _countries(self) -> Mapping[str, str]:
        return countries_with(self.own)

    def country_of(self, place: str) -> str:
        """The country whose addresses servers in a place have.

        Raises:
            KeyError: none is known.
        """
        return self._countries[place]

    def sites_of(self, name: str) -> tuple[Site, ...]:
        """The sites that a name stands for: a venue's, or one of them; empty if there is none of that name."""
        return tuple(site for site in self.sites if name in (site.name, site.venue.name))

    def site_names(self) -> tuple[str, ...]:
        """Every name of a venue that has a site, and of its sites."""
        return tuple(dict.fromkeys(name for site in self.sites for name in (site.venue.name, site.name)))


def venue_list(venues: Iterable[Venue], site_rows: Iterable[SiteRow], own: Overlay = NO_OWN_ROWS) -> VenueList:
    """Put venues and their sites together; a row of a venue that is not there counts for nothing."""
    countries = countries_with(own)
    by_name = {venue.name: venue for venue in venues}
    by_venue: dict[str, list[SiteRow]] = {}
    for row in site_rows:
        by_venue.setdefault(row.venue, []).append(row)
    sites = tuple(_site(venue, row, countries) for name, venue in by_name.items() for row in by_venue.get(name, ()))
    return VenueList(by_name, sites, own)


@cache
def load_site_rows() -> tuple[SiteRow, ...]:
    """What this package ships.

    Raises:
        pydantic.ValidationError: a row is malformed (a fault of the package, kept out by its tests).
    """
    return tuple(SiteRow(**row) for row in rows("venue_sites"))


@cache
def load_venue_list() -> VenueList:
    """The venues that this package ships; a fleet has rows of its own in their places (``Configuration.venues``)."""
    return venue_list(load_venues().values(), load_site_rows())


def load_sites() -> tuple[Site, ...]:
    """Every site that this package knows, in the order of the venues."""
    return load_venue_list().sites


def countries_with(own: Overlay) -> Mapping[str, str]:
    """The country of each place; a row of a fleet's own leaves the places that it does not name as they are."""
    table = (*_countries(), *own.rows("countries", CountryRow))
    return {place: row.country for row in table for place in row.places}


@cache
def _countries() -> tuple[CountryRow, ...]:
    return tuple(CountryRow(**row) for row in rows("countries"))


def _site(venue: Venue, row: SiteRow, countries: Mapping[str, str]) -> Site:
    known = venue.hosting if venue.hosting is not None and venue.hosting.place and not row.place else None
    return Site(
        venue=venue,
        name=f"{venue.name}/{row.site}" if row.site else venue.name,
        place=known.place if known is not None else row.place,
        claimed_place=row.claimed_place,
        confidence=known.confidence if known is not None else row.confidence,
        source=known.source if known is not None else row.source,
        edge=row.edge,
        countries=countries,
    )
