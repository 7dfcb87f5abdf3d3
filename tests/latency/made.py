"""Runs with made samples, for what is worked out of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fleet.latency.result import CatalogueVersion, KeptSettings, Kind, Run, Series, Software

BEGAN = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
COINBASE = "https://api.exchange.coinbase.com/time"
BINANCE = "https://api.binance.com/api/v3/time"
KRAKEN = "https://api.kraken.com/0/public/Time"


def series(
    venue: str,
    url: str,
    ms: Sequence[float],
    kind: Kind = "warm",
    errors: Sequence[tuple[int, str, str]] = (),
    headers: dict[str, str] | None = None,
    site: str = "",
) -> Series:
    """A series whose one phase has these samples, the first two of which do not count and are very slow."""
    phase = {"warm": "ttfb", "websocket": "ping", "tcp": "tcp", "cold": "total"}[kind]
    rows = [(float(tick), 200.0, value) for tick, value in enumerate([5000.0, 5000.0, *ms] if ms else [])]
    return Series(
        venue=venue,
        transport="rest",
        url=url,
        site=site,
        kind=kind,
        period_ms=1000.0,
        phases=(phase,),
        samples=tuple(rows),
        errors=tuple(errors),
        behind=0,
        reconnects=0,
        addresses=("203.0.113.7",),
        headers=headers or {},
    )


def run(
    region: str, place: str, *found: Series, baseline: bool = False, simulated: bool = False, minutes: int = 0
) -> Run:
    """What a host measured."""
    return Run(
        format_version=1,
        host=region,
        region=region,
        place=place,
        started=BEGAN + timedelta(minutes=minutes),
        seconds=120.0,
        simulated=simulated,
        baseline=baseline,
        catalogue=CatalogueVersion(as_of="2026-11-22", digest="sha256:0"),
        settings=KeptSettings(rate=1.0, drop_first=2, timeout_seconds=10.0),
        software=Software(curl="8.14.1", python="3.13.5"),
        series=found,
    )


def around(ms: float, n: int = 100, tail_ms: float | None = None) -> list[float]:
    """Samples within 10 % of a value, every twentieth of them in the tail where one is given."""
    return [
        tail_ms if tail_ms is not None and number % 20 == 19 else ms * (0.9 + 0.2 * (number * 7 % 20) / 19)
        for number in range(n)
    ]
