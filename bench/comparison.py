"""Two ways to do the same work, timed in turns in one run, and what came of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict


class Result(TypedDict):
    """One row of ``results.json``. ``peer`` and ``ratio`` are None where nothing else does the same work."""

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    unit: str


@dataclass(frozen=True)
class Comparison:
    """Measurements of our way and of a peer's, pair by pair."""

    name: str
    peer: str
    """What it is compared with."""
    wanted: float
    """The largest ratio that is good enough."""
    seconds: tuple[tuple[float, float], ...]
    """(ours, the peer's), taken right after each other: what else the machine does hits both."""

    @property
    def ours_seconds(self) -> float:
        """Median of ours."""
        return statistics.median(ours for ours, _ in self.seconds)

    @property
    def peer_seconds(self) -> float:
        """Median of the peer's."""
        return statistics.median(peer for _, peer in self.seconds)

    @property
    def ratio(self) -> float:
        """Median of the pairs' ratios."""
        return statistics.median(ours / peer for ours, peer in self.seconds)

    @property
    def reached(self) -> bool:
        """Whether the ratio is as wanted."""
        return self.ratio <= self.wanted

    def result(self) -> Result:
        """As a row of ``results.json``."""
        return Result(
            name=f"{self.name}, against {self.peer}",
            ours=round(self.ours_seconds, 4),
            peer=round(self.peer_seconds, 4),
            ratio=round(self.ratio, 4),
            unit="s",
        )


def in_turns(rounds: int, ours: Callable[[], float], peer: Callable[[], float]) -> tuple[tuple[float, float], ...]:
    """Seconds of both, round by round; who begins changes with each round, so that neither has the warmer machine."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            theirs, own = peer(), ours()
        else:
            own, theirs = ours(), peer()
        pairs.append((own, theirs))
    return tuple(pairs)
