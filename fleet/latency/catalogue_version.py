"""Which catalogue of venues a measurement is of."""

from __future__ import annotations

import hashlib

from fleet.catalogue.venue_sites import VenueList
from fleet.latency.result import CatalogueVersion


def version_of(venues: VenueList) -> CatalogueVersion:
    """The day of the newest row, and a digest of all rows with where they are: the fleet's own ones count."""
    rows = [venue.model_dump_json() for venue in venues.by_name.values()]
    rows += [f"{site.name} {site.place} {site.edge}" for site in venues.sites]
    newest = max((venue.as_of.isoformat() for venue in venues.by_name.values()), default="")
    return CatalogueVersion(as_of=newest, digest=f"sha256:{hashlib.sha256(chr(10).join(rows).encode()).hexdigest()}")
