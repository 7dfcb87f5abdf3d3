"""What is asked of a host: which endpoints, how often, for how long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from fleet.catalogue.venue_sites import VenueList
from fleet.catalogue.venues import Endpoint, Venue
from fleet.latency.catalogue_version import version_of
from fleet.latency.result import CatalogueVersion, Kind
from fleet.model.nearest import nearest

KINDS_OF_VENUES = ("broker", "data")
REMAINING = ("interactive-brokers", "kraken", "tradestation", "ninjatrader")
"""The brokers that the specification left to be tested (its step 4)."""

DEFAULT_PER_SECOND = 2.0
"""The limit that a venue is taken to have where its row names none: the slowest that is known of an exchange with
documented limits is 1 per second (Kraken), most are 10 and more."""
SHARE = 0.5
"""Of a venue's limit: the platform's own calls leave by the same address and count as well."""
PINGS_PER_SECOND = 2.0
"""At most, on each WebSocket: Binance closes one that sends more than 5 messages a second."""
COLD_SHARE = 0.2
"""Of a REST endpoint's requests."""
MOST_SERIES = 400
"""They travel in one argument of a program, which Linux lets have 128 KiB."""


class BadPlan(Exception):
    """What is to be measured makes no sense; the text says what is allowed."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    seconds: float = 120.0
    count: int | None = None
    """Samples of each REST endpoint on its kept connection; where given, it decides how long it takes."""
    rate: float = 1.0
    """Requests a second to each venue, at most."""
    drop_first: int = 2
    """Ticks at the begin of each series that no statistic counts: caches fill, a connection warms up."""
    timeout_seconds: float = 10.0


@dataclass(frozen=True)
class Probe:
    """One series: one endpoint in one way."""

    venue: str
    transport: str
    url: str
    site: str
    kind: Kind
    period_seconds: float
    offset_seconds: float
    """From the begin of the run to its first tick: the series' ticks lie spread over time."""


@dataclass(frozen=True)
class Plan:
    """All series of a run; the same for every host."""

    settings: Settings
    seconds: float
    probes: tuple[Probe, ...]
    catalogue: CatalogueVersion

    @property
    def venues(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(dict.fromkeys(probe.venue for probe in self.probes))

    def asked(self) -> str:
        """The argument of the program on the host."""
        series = [
            {
                "kind": probe.kind,
                "url": probe.url,
                "period_seconds": probe.period_seconds,
                "offset_seconds": probe.offset_seconds,
            }
            for probe in self.probes
        ]
        document = {
            "seconds": self.seconds,
            "timeout_seconds": self.settings.timeout_seconds,
            "series": series,
        }
        return json.dumps(document)


def plan_of(known: VenueList, names: Iterable[str] = (), settings: Settings | None = None) -> Plan:
    """The plan for some venues; for none named, for all brokers and data providers in use.

    Args:
        known: the fleet's venues (``Configuration.venues``).

    Raises:
        BadPlan: an unknown venue, one without an endpoint, or settings that make no sense.
    """
    settings = settings or Settings()
    _check(settings)
    wanted = [row for venue in _chosen(known, tuple(names)) for row in _series(venue, settings.rate)]
    if len(wanted) > MOST_SERIES:
        raise BadPlan(f"{len(wanted)} series are more than a host does well: at most {MOST_SERIES}; name fewer venues")
    probes = tuple(
        Probe(venue.name, endpoint.transport, endpoint.url, endpoint.site, kind, 1 / rate, at / len(wanted) / rate)
        for at, (venue, endpoint, kind, rate) in enumerate(wanted)
    )
    seconds = settings.seconds
    if settings.count is not None:
        # The first request on a kept connection makes it, and is no sample.
        ticks = settings.count + settings.drop_first + 1
        counted = [probe for probe in probes if probe.kind == "warm"] or probes
        seconds = max(probe.offset_seconds + ticks * probe.period_seconds for probe in counted)
    return Plan(settings, seconds, probes, version_of(known))


def rate_of(venue: Venue, rate: float) -> float:
    """Requests a second to a venue: what is asked for, but no more than our share of its limit."""
    limit = venue.rate_limit.per_second if venue.rate_limit is not None else DEFAULT_PER_SECOND
    return min(rate, SHARE * limit)


def _series(venue: Venue, asked: float) -> Iterator[tuple[Venue, Endpoint, Kind, float]]:
    rate = rate_of(venue, asked)
    rest, sockets, tcp = (
        [endpoint for endpoint in venue.endpoints if endpoint.transport == transport]
        for transport in ("rest", "websocket", "tcp")
    )
    for endpoint in rest:
        yield venue, endpoint, "warm", rate * (1 - COLD_SHARE) / len(rest)
        yield venue, endpoint, "cold", rate * COLD_SHARE / len(rest)
    for endpoint in sockets:
        yield venue, endpoint, "websocket", min(rate, PINGS_PER_SECOND)
    for endpoint in tcp:
        yield venue, endpoint, "tcp", rate / len(tcp)


def check_names(known: VenueList, names: Iterable[str]) -> None:
    """Refuse names that no measurement can have.

    Raises:
        BadPlan: an unknown venue, or one without an endpoint.
    """
    reached = _reached(known)
    unknown = [name for name in names if name not in reached]
    if unknown:
        words = (f"no venue '{name}' with an endpoint {_hint(name, reached)}".strip() for name in unknown)
        raise BadPlan(f"{'; '.join(words)}. Known: {', '.join(reached)}")


def _hint(name: str, known: Iterable[str]) -> str:
    found = nearest(name, known)
    return f"({found})" if found else ""


def _reached(known: VenueList) -> dict[str, Venue]:
    return {name: venue for name, venue in known.by_name.items() if venue.endpoints and venue.kind in KINDS_OF_VENUES}


def _chosen(known: VenueList, names: tuple[str, ...]) -> list[Venue]:
    check_names(known, names)
    reached = _reached(known)
    if names:
        return [reached[name] for name in dict.fromkeys(names)]
    return [venue for venue in reached.values() if venue.status != "disabled"]


def _check(settings: Settings) -> None:
    found = [
        f"{what} is {value:g}: a number above 0"
        for what, value in (
            ("seconds", settings.seconds),
            ("rate", settings.rate),
            ("timeout", settings.timeout_seconds),
        )
        if not 0 < value < inf
    ]
    if settings.count is not None and settings.count < 1:
        found.append(f"count is {settings.count}: a whole number from 1")
    if settings.drop_first < 0:
        found.append(f"drop-first is {settings.drop_first}: a whole number from 0")
    if found:
        raise BadPlan("; ".join(found))
