"""This package's catalogue with the rows of a fleet's own in their places."""

from __future__ import annotations

from fleet.catalogue.catalogue import Catalogue
from fleet.catalogue.overlay import Overlay
from fleet.catalogue.venue_sites import VenueList, load_site_rows, load_venue_list, venue_list
from fleet.catalogue.venues import load_venues


def with_own_rows(catalogue: Catalogue, overlay: Overlay) -> Catalogue:
    """A catalogue with the places, services, locations and plans of a fleet's own."""
    if not overlay.tables:
        return catalogue
    places = overlay.over("places", {(name,): place for name, place in catalogue.places.items()})
    services = overlay.over("services", {(name,): service for name, service in catalogue.services.items()})
    # A copy would keep what the catalogue has worked out from its rows.
    return Catalogue.model_construct(
        places={row.name: row for row in places},
        services={row.name: row for row in services},
        locations=overlay.over("locations", {(row.service, row.name): row for row in catalogue.locations}),
        plans=overlay.over("plans", {(row.service, row.name): row for row in catalogue.plans}),
    )


def venues_with_own_rows(overlay: Overlay) -> VenueList:
    """The venues of this package with those of a fleet's own, and what is known of the ways to them."""
    if not overlay.tables:
        return load_venue_list()
    venues = overlay.over("venues", {(name,): venue for name, venue in load_venues().items()})
    sites = overlay.over("venue_sites", {(row.venue, row.site): row for row in load_site_rows()})
    return venue_list(venues, sites, overlay)
