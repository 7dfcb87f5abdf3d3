"""Who answered: the venue itself, or an edge of a content network nearer by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet.catalogue.catalogue import Place
from fleet.catalogue.physics import floor_ms
from fleet.catalogue.venue_sites import Site, VenueList
from fleet.latency.result import Series

BELOW = 0.95
"""A sample below this share of the floor cannot be from there: the rest is for coordinates of cities, not of halls."""

NETWORKS = {
    "cf-ray": "Cloudflare",
    "x-amz-cf-pop": "CloudFront",
    "x-served-by": "Fastly",
}
"""Headers that only these content networks send."""
NAMES = {
    "cloudflare": "Cloudflare",
    "cloudfront": "CloudFront",
    "akamai": "Akamai",
    "varnish": "a Varnish cache",
    "google": "Google's front end",
}
"""Words in ``server`` and ``via``."""


class Answered(StrEnum):
    """By whom."""

    EDGE = "edge"
    """Faster than light from where the venue is: something nearer answered in its place."""
    THROUGH_EDGE = "through an edge"
    """DNS, TCP and TLS end at a content network; the time to the first byte holds the way from there to the venue."""
    ORIGIN = "origin"
    """Nothing speaks against it."""
    UNKNOWN = "not known"
    """Where the venue is, is not known, and no header tells."""


@dataclass(frozen=True)
class Verdict:
    """Who answered, and how that shows."""

    answered: Answered
    why: str
    floor_ms: float | None
    """The least that physics allows from here to where the venue is; None: that is not known."""

    def __str__(self) -> str:
        return f"{self.answered} ({self.why})" if self.why else str(self.answered)


def site_of(series: Series, venues: VenueList) -> Site | None:
    """The site that an endpoint belongs to: the one that it names, or the venue's only one; None: not known."""
    sites = [site for site in venues.sites if site.venue.name == series.venue]
    named = f"{series.venue}/{series.site}" if series.site else ""
    return next((site for site in sites if site.name == named), sites[0] if len(sites) == 1 and not named else None)


def judge(series: Series, here: str, venues: VenueList, places: Mapping[str, Place]) -> Verdict:
    """Who answered a series that was measured in a place."""
    site = site_of(series, venues)
    there = site.place if site is not None and not site.edge else ""
    floor = floor_ms(places[here], places[there]) if there and here in places else None
    samples = [sample[2 + series.phases.index(_travelled(series))] for sample in series.samples]
    if floor is not None and samples and min(samples) < BELOW * floor:
        return Verdict(Answered.EDGE, f"{min(samples):.1f} ms, floor {floor:.1f} ms", floor)
    if network := _network(series.headers):
        return Verdict(Answered.THROUGH_EDGE, network, floor)
    if site is not None and site.edge:
        return Verdict(Answered.EDGE, "a content network by the catalogue", None)
    return Verdict(Answered.UNKNOWN if floor is None else Answered.ORIGIN, "", floor)


def _travelled(series: Series) -> str:
    """The phase that goes to whoever answers and back, and no more."""
    return "ttfb" if "ttfb" in series.phases else series.phase


def _network(headers: Mapping[str, str]) -> str:
    for name, network in NETWORKS.items():
        if name in headers:
            return network
    words = " ".join(headers.get(name, "") for name in ("server", "via")).lower()
    return next((network for word, network in NAMES.items() if word in words), "")
