"""How sure an improvement is: a confidence interval from the samples themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
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


def improvement(before: Sequence[float], after: Sequence[float], quantile: float) -> Improvement | None:
    """Of one quantile, with its 95 % interval; None: too few samples.

    Probes that follow each other are not independent (a route changes, a server is busy for a while), so that blocks of
    n^(1/3) neighbours are drawn, from a ring (circular block bootstrap), and not single samples: the interval would be
    too narrow.
    """
    if min(len(before), len(after)) < FEWEST[quantile]:
        return None
    generator = np.random.default_rng(SEED)
    old, new = (np.asarray(samples, dtype=np.float64) for samples in (before, after))
    shares = 1 - _resampled(new, quantile, generator) / _resampled(old, quantile, generator)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(shares, (tail, 1 - tail)))
    return Improvement(float(1 - np.quantile(new, quantile) / np.quantile(old, quantile)), low, high)


def block_length(n: int) -> int:
    """Neighbours that are drawn together: n^(1/3) (Hall, Horowitz and Jing 1995, for a variance or a bias)."""
    return max(1, round(math.cbrt(n)))


def _resampled(samples: Floats, quantile: float, generator: np.random.Generator) -> Floats:
    n = len(samples)
    length = block_length(n)
    blocks = -(-n // length)
    starts = generator.integers(0, n, size=(RESAMPLES, blocks, 1))
    drawn = (starts + np.arange(length)).reshape(RESAMPLES, -1)[:, :n] % n
    found: Floats = np.quantile(samples[drawn], quantile, axis=1)
    return np.maximum(found, 1e-6)
