"""Where venues are, for those who ask how far: one site for most, several for some, none for those everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fleet.catalogue.catalogue import Confidence, Row
from fleet.catalogue.reading import rows
from fleet.catalogue.venues import Venue, load_venues


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

    country: str
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

    def refusal_at(self, place: str) -> str:
        """Why it does not answer servers in a place; empty: nothing is known that forbids it.

        Raises:
            KeyError: the catalogue knows no country of the place.
        """
        if country_of(place) not in self.venue.refused_from:
            return ""
        return f"{self.venue.title} refuses {country_of(place)} addresses: {self.venue.refusal}"


@cache
def load_sites() -> tuple[Site, ...]:
    """Every site of every broker and data provider, in the order of the venues."""
    by_venue: dict[str, list[SiteRow]] = {}
    for row in rows("venue_sites"):
        by_venue.setdefault(row["venue"], []).append(SiteRow(**row))
    return tuple(_site(venue, row) for name, venue in load_venues().items() for row in by_venue.get(name, ()))


def country_of(place: str) -> str:
    """The country whose addresses servers in a place have.

    Raises:
        KeyError: none is known.
    """
    return _countries()[place]


@cache
def _countries() -> dict[str, str]:
    table = [CountryRow(**row) for row in rows("countries")]
    return {place: row.country for row in table for place in row.places}


def _site(venue: Venue, row: SiteRow) -> Site:
    known = venue.hosting if venue.hosting is not None and venue.hosting.place and not row.place else None
    return Site(
        venue=venue,
        name=f"{venue.name}/{row.site}" if row.site else venue.name,
        place=known.place if known is not None else row.place,
        claimed_place=row.claimed_place,
        confidence=known.confidence if known is not None else row.confidence,
        source=known.source if known is not None else row.source,
        edge=row.edge,
    )
