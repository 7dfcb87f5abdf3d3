"""The exact answer by looking at every set of candidates: quickest up to 16 that may be opened or not."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleet.placement.plan import SAME_MS, Objective, Plan, plan_of, scores
from fleet.placement.problem import Floats, Problem

MOST = 16
"""Candidates to choose from: 65,536 sets."""

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class Exhaustive:
    """Every set of one problem, as bits: bit i is the i-th candidate that may be opened or not."""

    def __init__(self, problem: Problem) -> None:
        """Nothing is worked out before it is asked for.

        Raises:
            ValueError: more candidates to choose from than ``MOST``.
        """
        self.problem = problem
        self._always = [number for number, candidate in enumerate(problem.candidates) if candidate.always]
        self._free = [number for number, candidate in enumerate(problem.candidates) if not candidate.always]
        if len(self._free) > MOST:
            raise ValueError(f"{len(self._free)} candidates to choose from; at most {MOST} can be looked at in full")

    def best(self, objective: Objective, *, unlike: Plan | None = None) -> Plan | None:
        """The plan with the smallest score, among those the cheapest, among those the smallest mean; None: none at all.

        Args:
            unlike: a plan of which at least one place must stay closed: asks for the runner-up.
        """
        valid = self._affordable if unlike is None else self._affordable & ~self._opens_all_places_of(unlike)
        chosen = np.flatnonzero(valid)
        rated = self._scores(objective)
        for values, tolerance in ((rated, SAME_MS), (self._cents, 0), (self._scores(Objective.MEAN), SAME_MS)):
            if chosen.size == 0:
                return None
            found = values[chosen]
            chosen = chosen[found <= found.min() + tolerance]
        return self._plan(int(chosen[0]), objective)

    def cheapest(self) -> Plan | None:
        """The cheapest plan that serves everything, whatever the budget; None: not at any price."""
        chosen = np.flatnonzero(self._servable)
        if chosen.size == 0:
            return None
        return self._plan(int(chosen[self._cents[chosen].argmin()]), Objective.MEAN)

    def front(self, objective: Objective) -> tuple[Plan, ...]:
        """All plans within the budget that no other beats in both cost and score, the cheapest first."""
        chosen = np.flatnonzero(self._affordable)
        rated = self._scores(objective)
        chosen = chosen[np.lexsort((rated[chosen], self._cents[chosen]))]
        plans: list[Plan] = []
        best = np.inf
        if chosen.size:
            # Only where the running minimum falls can a point of the front be.
            falling = np.minimum.accumulate(rated[chosen])
            starts = np.concatenate(([True], falling[1:] < falling[:-1]))
            for number in chosen[starts]:
                if rated[number] < best - SAME_MS:
                    best = rated[number]
                    plan = self._plan(int(number), objective)
                    assert plan is not None
                    plans.append(plan)
        return tuple(plans)

    def rivals(self) -> tuple[Ints, Floats]:
        """Every affordable set, and its milliseconds for each demand."""
        chosen = np.flatnonzero(self._affordable)
        return chosen, self._ms[chosen]

    def plan_of_set(self, number: int, objective: Objective) -> Plan:
        """The plan that a set of ``rivals`` stands for."""
        plan = self._plan(number, objective)
        assert plan is not None
        return plan

    def _plan(self, number: int, objective: Objective) -> Plan | None:
        return plan_of(self.problem, [free for bit, free in enumerate(self._free) if number >> bit & 1], objective)

    @cached_property
    def _ms(self) -> Floats:
        """Each set's milliseconds: those of the set without its highest bit, or the highest candidate's if smaller."""
        latencies = self.problem.latencies
        table = np.full((1 << len(self._free), len(self.problem.demands)), np.inf)
        if self._always:
            table[0] = latencies[self._always].min(axis=0)
        for bit, number in enumerate(self._free):
            size = 1 << bit
            np.minimum(table[:size], latencies[number], out=table[size : 2 * size])
        return table

    @cached_property
    def _cents(self) -> Ints:
        table = np.full(1 << len(self._free), self.problem.cents[self._always].sum(), dtype=np.int64)
        for bit, number in enumerate(self._free):
            size = 1 << bit
            table[size : 2 * size] = table[:size] + self.problem.cents[number]
        return table

    @cached_property
    def _servable(self) -> Bools:
        """Sets that serve every demand from enough places and open no place twice."""
        if not self.problem.demands:
            return np.zeros(1 << len(self._free), dtype=bool)
        valid: Bools = np.asarray(np.isfinite(self._ms).all(axis=1))
        sets = np.arange(1 << len(self._free), dtype=np.int64)
        bits = {number: 1 << bit for bit, number in enumerate(self._free)}
        for numbers in self.problem.by_place().values():
            opened = sum(
                ((sets & bits[number]) != 0).astype(np.int64) if number in bits else np.ones_like(sets)
                for number in numbers
            )
            if len(numbers) > 1:
                valid &= opened <= 1
        if self.problem.in_reach > 1:
            valid &= self._reaching_places >= self.problem.in_reach
        return valid

    @cached_property
    def _reaching_places(self) -> Ints:
        """How many open candidates the demand has in reach that has fewest."""
        can = np.isfinite(self.problem.latencies).astype(np.int64)
        table = np.zeros((1 << len(self._free), len(self.problem.demands)), dtype=np.int64)
        table[0] = can[self._always].sum(axis=0)
        for bit, number in enumerate(self._free):
            size = 1 << bit
            table[size : 2 * size] = table[:size] + can[number]
        fewest: Ints = table.min(axis=1)
        return fewest

    @cached_property
    def _affordable(self) -> Bools:
        limit = self.problem.budget_cents
        return self._servable if limit is None else self._servable & (self._cents <= limit)

    def _scores(self, objective: Objective) -> Floats:
        if objective not in self._rated:
            self._rated[objective] = scores(self.problem, objective, self._ms)
        return self._rated[objective]

    @cached_property
    def _rated(self) -> dict[Objective, Floats]:
        return {}

    def _opens_all_places_of(self, plan: Plan) -> Bools:
        sets = np.arange(1 << len(self._free), dtype=np.int64)
        all_open: Bools = np.ones(sets.shape, dtype=bool)
        wanted = {self.problem.candidates[number].place for number in plan.opened}
        wanted -= {self.problem.candidates[number].place for number in self._always}
        for place in wanted:
            here = sum(1 << bit for bit, free in enumerate(self._free) if self.problem.candidates[free].place == place)
            all_open &= (sets & here) != 0
        return all_open
