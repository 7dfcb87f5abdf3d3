"""Quantiles by a histogram of high dynamic range, as many as the number of samples allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3
"""Microseconds to an hour, to three digits: no quantile is off by more than 0.1 %."""

P95_FROM = 20
"""Samples of which at least one lies beyond the quantile."""
P99_FROM = 1000
"""Ten samples lie beyond it: with fewer a single stall decides."""


@dataclass(frozen=True)
class Quantiles:
    """In ms; None: too few samples."""

    n: int
    p50: float | None
    p95: float | None
    p99: float | None
    least: float | None
    most: float | None


def quantiles(samples: Iterable[float]) -> Quantiles:
    """Of some samples in ms."""
    histogram = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for ms in samples:
        histogram.record_value(min(max(LOWEST_US, round(ms * 1000)), HIGHEST_US))
    n = int(histogram.get_total_count())
    if n == 0:
        return Quantiles(0, None, None, None, None, None)
    # The nearest rank, rounded up: the histogram would round to the nearest count, which cuts a short tail off.
    ranks = {percent: 100 * max(1, -(-n * percent // 100)) / n for percent in (0, 50, 95, 99, 100)}
    # All in one walk through the histogram, which is what costs time.
    found = histogram.get_percentile_to_value_dict(list(dict.fromkeys(ranks.values())))

    def at(percent: int, fewest: int) -> float | None:
        return round(int(found[ranks[percent]]) / 1000, 3) if n >= fewest else None

    return Quantiles(n, at(50, 1), at(95, P95_FROM), at(99, P99_FROM), at(0, 1), at(100, 1))
