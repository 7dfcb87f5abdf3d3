"""What the specification claims of latencies, and what physics and venues say to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from fleet.catalogue.catalogue import Row
from fleet.catalogue.overlay import Overlay
from fleet.catalogue.physics import Verdict, judge_expected, judge_measured
from fleet.catalogue.reading import rows
from fleet.catalogue.round_trips import RoundTrips
from fleet.catalogue.venue_sites import Site, VenueList

MEASURED_FROM = "cdmx"
"""Where the specification measured."""


class ExpectedClaim(Row):
    """A latency that the specification promises of a region."""

    venue: str
    site: str = ""
    place: str
    rank: int = Field(ge=1)
    """1: the region that it recommends first."""
    low_ms: float = Field(gt=0)
    high_ms: float = Field(gt=0)

    @property
    def at(self) -> str:
        """The name of the site that is meant."""
        return f"{self.venue}/{self.site}" if self.site else self.venue


@dataclass(frozen=True)
class Judged:
    """A claim beside what holds."""

    site: str
    place: str
    """From where."""
    rank: int | None
    """Of the recommendation; None: a measurement that was reported."""
    low_ms: float
    high_ms: float
    verdict: Verdict
    """For a range: of its upper end. By the best that is known of where the venue is."""
    floor_ms: float | None
    """None, like ``expected_ms``: where the venue is, is not known."""
    expected_ms: float | None
    refusal: str
    """Why the venue does not answer there at all; empty: nothing is known that forbids it."""


def judged_claims(venues: VenueList) -> tuple[Judged, ...]:
    """Every claim, in the venues' order: reported measurements first, then promises."""
    sites = {site.name: site for site in venues.sites}
    return (*_measured(venues.sites, venues.trips), *_expected(sites, venues))


def expected_claims_with(own: Overlay) -> tuple[ExpectedClaim, ...]:
    """The promises as they stand in the file, with the rows of a fleet's own."""
    shipped = [ExpectedClaim(**row) for row in rows("claims")]
    return own.over("claims", {(row.venue, row.site, row.place): row for row in shipped})


def _measured(sites: Iterable[Site], trips: RoundTrips) -> Iterator[Judged]:
    for site in sites:
        claim = site.venue.claimed_ms_from_cdmx
        if claim is not None and not site.place:
            yield _unknown(site.name, MEASURED_FROM, None, claim, claim, site.refusal_at(MEASURED_FROM))
        elif claim is not None:
            start, end = trips.places[MEASURED_FROM], trips.places[site.place]
            trip = trips.between(MEASURED_FROM, site.place)
            verdict = judge_measured(claim, start, end)
            refusal = site.refusal_at(MEASURED_FROM)
            yield Judged(site.name, MEASURED_FROM, None, claim, claim, verdict, trip.floor_ms, trip.ms, refusal)


def _expected(sites: Mapping[str, Site], venues: VenueList) -> Iterator[Judged]:
    trips = venues.trips
    for claim in venues.claims:
        site = sites.get(claim.at)
        if site is None or not site.place:
            refusal = site.refusal_at(claim.place) if site is not None else ""
            yield _unknown(claim.at, claim.place, claim.rank, claim.low_ms, claim.high_ms, refusal)
            continue
        trip = trips.between(claim.place, site.place)
        verdict = judge_expected(claim.high_ms, trips.places[claim.place], trips.places[site.place])
        refusal = site.refusal_at(claim.place)
        yield Judged(
            site.name, claim.place, claim.rank, claim.low_ms, claim.high_ms, verdict, trip.floor_ms, trip.ms, refusal
        )


def _unknown(site: str, place: str, rank: int | None, low_ms: float, high_ms: float, refusal: str) -> Judged:
    """Of a venue of which nobody knows where it is, or that an edge answers for everywhere."""
    return Judged(site, place, rank, low_ms, high_ms, Verdict.UNKNOWN, None, None, refusal)
