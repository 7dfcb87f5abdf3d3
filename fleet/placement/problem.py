"""What is asked: candidates with their cost, venues with weight and limit, and how far each is from each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import inf

import numpy as np
import numpy.typing as npt

from fleet.catalogue.round_trips import Basis

Floats = npt.NDArray[np.float64]

CENTS = 100
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Candidate:
    """A server that may be opened. Of the candidates in one place at most one is."""

    name: str
    place: str
    monthly_usd: Decimal
    always: bool = False
    """It stands already and stays: the hub."""


@dataclass(frozen=True)
class Demand:
    """A venue, or one of several sites of a venue, that has to be served."""

    name: str
    weight: float = 1.0
    """How much its milliseconds count; 0: they do not, but it is served all the same."""
    limit_ms: float | None = None
    """The longest round trip that will do."""


@dataclass(frozen=True)
class Reach:
    """From a candidate to a venue."""

    ms: float
    basis: Basis = Basis.ESTIMATE
    barred: str = ""
    """Why the candidate may not serve it at all; empty: it may."""


@dataclass(frozen=True)
class Problem:
    """A placement that is asked for. ``reaches`` has a row for each candidate and in it one cell for each demand."""

    candidates: tuple[Candidate, ...]
    demands: tuple[Demand, ...]
    reaches: tuple[tuple[Reach, ...], ...]
    budget_usd: Decimal | None = None
    """A month, for all that is open, the hub included; None: no limit."""
    in_reach: int = 1
    """From so many open places each venue must be served or servable: 2 survive the loss of one."""

    @cached_property
    def latencies(self) -> Floats:
        """Milliseconds, candidates by demands; infinite where a candidate may not serve a demand."""
        table = np.full((len(self.candidates), len(self.demands)), inf)
        for row, reaches in enumerate(self.reaches):
            for column, (demand, reach) in enumerate(zip(self.demands, reaches, strict=True)):
                if not obstacle(demand, reach):
                    table[row, column] = reach.ms
        return table

    @cached_property
    def cents(self) -> npt.NDArray[np.int64]:
        """What each candidate costs a month."""
        return np.array([round(candidate.monthly_usd * CENTS) for candidate in self.candidates], dtype=np.int64)

    @cached_property
    def budget_cents(self) -> int | None:
        """What all that is open may cost a month."""
        return None if self.budget_usd is None else int(self.budget_usd * CENTS)

    @cached_property
    def weights(self) -> Floats:
        """Of the demands."""
        return np.array([demand.weight for demand in self.demands])

    def by_place(self) -> dict[str, list[int]]:
        """The candidates in each place, by their numbers."""
        found: dict[str, list[int]] = {}
        for number, candidate in enumerate(self.candidates):
            found.setdefault(candidate.place, []).append(number)
        return found

    def with_budget(self, budget_usd: Decimal | None) -> Problem:
        """The same question with another budget."""
        return dataclasses.replace(self, budget_usd=budget_usd)

    def without_the_dominated(self) -> Problem:
        """Without candidates that another one in the same place beats: not dearer, and nowhere slower or more barred.

        No answer gets worse by that; of two equal ones the first stays.
        """
        kept = [number for number in range(len(self.candidates)) if not self._is_dominated(number)]
        return self if len(kept) == len(self.candidates) else self._of(kept)

    def without_the_useless(self) -> Problem:
        """Without candidates of any place that another one makes useless: not dearer, and nowhere farther.

        What is open anyway counts for both. No score, cost, front or flip gets worse by that, because a plan with the
        useless one is no better than the same plan with the other. A runner-up may: it must be looked for among all.
        With ``in_reach`` above 1 nothing is left out, for there a farther server has its use.
        """
        if self.in_reach > 1:
            return self
        always = [number for number, candidate in enumerate(self.candidates) if candidate.always]
        standing = self.latencies[always].min(axis=0) if always else np.full(len(self.demands), inf)
        gained = np.minimum(self.latencies, standing)
        alone = {numbers[0] for numbers in self.by_place().values() if len(numbers) == 1}
        kept: list[int] = []
        # The cheapest first, so that one that is kept was not made useless by a later one.
        for number in sorted(range(len(self.candidates)), key=lambda number: (int(self.cents[number]), number)):
            others = [other for other in kept if other in alone]
            useless = bool((gained[number] >= standing).all()) or any(
                bool((gained[other] <= gained[number]).all()) for other in others
            )
            if self.candidates[number].always or not useless:
                kept.append(number)
        return self._of(sorted(kept))

    def _of(self, numbers: list[int]) -> Problem:
        return dataclasses.replace(
            self,
            candidates=tuple(self.candidates[number] for number in numbers),
            reaches=tuple(self.reaches[number] for number in numbers),
        )

    def _is_dominated(self, number: int) -> bool:
        own = self.candidates[number]
        for other, candidate in enumerate(self.candidates):
            if other == number or candidate.place != own.place or own.always:
                continue
            if candidate.always:
                return True
            no_worse = bool(
                self.cents[other] <= self.cents[number] and (self.latencies[other] <= self.latencies[number]).all()
            )
            equal = bool(
                self.cents[other] == self.cents[number] and (self.latencies[other] == self.latencies[number]).all()
            )
            if no_worse and (other < number or not equal):
                return True
        return False


def obstacle(demand: Demand, reach: Reach) -> str:
    """Why a candidate cannot serve a demand; empty: it can."""
    if reach.barred:
        return reach.barred
    if demand.limit_ms is not None and reach.ms > demand.limit_ms:
        return f"{reach.ms:g} ms, over the limit of {demand.limit_ms:g} ms"
    return ""


def obstacles(problem: Problem) -> Iterator[tuple[Candidate, Demand, str]]:
    """Every pair that cannot be, and why."""
    for candidate, reaches in zip(problem.candidates, problem.reaches, strict=True):
        for demand, reach in zip(problem.demands, reaches, strict=True):
            if why := obstacle(demand, reach):
                yield candidate, demand, why
