"""How sure an improvement is: a confidence interval from the samples themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
CELLS = 1 << 20
"""Samples that are drawn at once: 8 MB."""
LEAST_MS = 1e-6
"""Nothing is divided by zero."""
SEED = 20261122
"""The same samples give the same interval."""
FEWEST = {0.5: 10, 0.95: 40}
"""Samples that a quantile's interval needs on each side: two beyond a p95."""


@dataclass(frozen=True)
class Improvement:
    """What share of a quantile is gone: 1 - q(after) / q(before)."""

    share: float
    low: float
    high: float
    """The interval's ends."""

    @property
    def shown(self) -> bool:
        """Whether the samples show a difference at all: 0 is not in the interval."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        interval = f"[{100 * self.low:.1f}, {100 * self.high:.1f}]"
        return f"{100 * self.share:.1f} % {interval}" if self.shown else f"not shown {interval}"


def improvements(
    before: Sequence[float], after: Sequence[float], quantiles: Sequence[float] = (0.5, 0.95)
) -> Mapping[float, Improvement | None]:
    """Of some quantiles, each with its 95 % interval; None: too few samples.

    Probes that follow each other are not independent (a route changes, a server is busy for a while), so that blocks of
    n^(1/3) neighbours are drawn, from a ring (circular block bootstrap), and not single samples: the interval would be
    too narrow.
    """
    fewest = min(len(before), len(after))
    told = [quantile for quantile in quantiles if fewest >= FEWEST[quantile]]
    found: dict[float, Improvement | None] = dict.fromkeys(quantiles)
    if not told:
        return found
    generator = np.random.default_rng(SEED)
    old, new = (np.asarray(samples, dtype=np.float64) for samples in (before, after))
    shares = 1 - _resampled(new, told, generator) / _resampled(old, told, generator)
    tail = (1 - CONFIDENCE) / 2
    ends = np.quantile(shares, (tail, 1 - tail), axis=1)
    own = 1 - _of_sorted(np.sort(new)[np.newaxis], told) / _of_sorted(np.sort(old)[np.newaxis], told)
    for at, quantile in enumerate(told):
        found[quantile] = Improvement(float(own[at, 0]), float(ends[0, at]), float(ends[1, at]))
    return found


def block_length(n: int) -> int:
    """Neighbours that are drawn together: n^(1/3) (Hall, Horowitz and Jing 1995, for a variance or a bias)."""
    return max(1, round(math.cbrt(n)))


def _resampled(samples: Floats, quantiles: Sequence[float], generator: np.random.Generator) -> Floats:
    """Quantiles by resamples."""
    n = len(samples)
    length = block_length(n)
    blocks = -(-n // length)
    at_once = max(1, CELLS // n)
    parts: list[Floats] = []
    for first in range(0, RESAMPLES, at_once):
        drawn = min(at_once, RESAMPLES - first)
        starts = generator.integers(0, n, size=(drawn, blocks, 1))
        numbers = (starts + np.arange(length)).reshape(drawn, -1)[:, :n] % n
        parts.append(_of_sorted(np.sort(samples[numbers], axis=1), quantiles))
    return np.concatenate(parts, axis=1)


def _of_sorted(rows: Floats, quantiles: Sequence[float]) -> Floats:
    """Quantiles by rows, between two samples in proportion; sorting whole rows is quicker than to part them."""
    positions = np.asarray(quantiles) * (rows.shape[1] - 1)
    low = np.floor(positions).astype(np.int64)
    share = positions - low
    high = np.minimum(low + 1, rows.shape[1] - 1)
    found: Floats = (rows[:, low] * (1 - share) + rows[:, high] * share).T
    return np.maximum(found, LEAST_MS)
