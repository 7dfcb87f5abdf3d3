"""The exact answer as a mixed-integer program, for more candidates than can be looked at set by set.

A facility location problem: open a candidate or not (whole numbers), serve each demand from open ones. Serving
``x <= open`` pair by pair keeps the relaxation tight, and lets ``x`` be any fraction.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from fleet.placement.plan import SAME_MS, Objective, Plan, covered, demand_weights, plan_of
from fleet.placement.problem import CENTS, Floats, Problem

TIME_LIMIT_S = 120.0
MOST_POINTS = 64
"""Of a front; each costs two programs."""

INFEASIBLE = 2
STANDARD_OUTPUT = 1


class Unsolved(Exception):
    """The solver gave up; the text says why and what makes the question smaller."""


Row = dict[int, float]
"""A linear form: variable to factor."""


class MixedInteger:
    """One problem as a program; the same questions as ``Exhaustive``, the same answers."""

    def __init__(self, problem: Problem) -> None:
        """Nothing is worked out before it is asked for."""
        self.problem = problem

    def best(self, objective: Objective, *, unlike: Plan | None = None) -> Plan | None:
        """The plan with the smallest score, among those the cheapest, among those the smallest mean; None: none at all.

        Args:
            unlike: a plan of which at least one place must stay closed: asks for the runner-up.

        Raises:
            Unsolved: no answer within ``TIME_LIMIT_S``.
        """
        return self._best(objective, self.problem.budget_cents, unlike)

    def cheapest(self) -> Plan | None:
        """The cheapest plan that serves everything, whatever the budget; None: not at any price.

        Raises:
            Unsolved: no answer within ``TIME_LIMIT_S``.
        """
        opened = self._cover(np.inf, len(self.problem.demands), None, None)
        return None if opened is None else plan_of(self.problem, opened, Objective.MEAN)

    def front(self, objective: Objective) -> tuple[Plan, ...]:
        """The plans within the budget that no other beats in both cost and score, the cheapest first.

        From the best downwards: each point's budget is a cent less than what the one before costs.

        Raises:
            Unsolved: no answer within ``TIME_LIMIT_S``.
        """
        plans: list[Plan] = []
        budget = self.problem.budget_cents
        while len(plans) < MOST_POINTS and (plan := self._best(objective, budget, None)) is not None:
            plans.append(plan)
            budget = int(plan.monthly_usd * CENTS) - 1
        return tuple(reversed(plans))

    def _best(self, objective: Objective, budget: int | None, unlike: Plan | None) -> Plan | None:
        if not self.problem.demands:
            return None
        if objective in (Objective.MEAN, Objective.WEIGHTED):
            opened = self._smallest_mean(objective, budget, unlike)
        else:
            opened = self._smallest_tail(objective, budget, unlike)
        return None if opened is None else plan_of(self.problem, opened, objective)

    def _smallest_mean(self, objective: Objective, budget: int | None, unlike: Plan | None) -> list[int] | None:
        """Twice: for the score, then for the cost of that score."""
        weights = demand_weights(self.problem, objective)
        means = {number: weights[demand] * ms for number, (_, demand, ms) in self._pairs.items()}
        rules = [*self._serving, *self._opening(budget, unlike)]
        opened = self._solve(means, rules, self._variables)
        if opened is None:
            return None
        plan = plan_of(self.problem, opened, objective)
        assert plan is not None
        # The cheaper ones are found among those as good: their sums are off by less than what counts as the same.
        limit = int(plan.monthly_usd * CENTS)
        cheaper = self._solve(
            self._cost,
            [*self._serving, *self._opening(limit, unlike), (means, -np.inf, plan.score_ms + SAME_MS)],
            self._variables,
        )
        return cheaper if cheaper is not None else opened

    def _smallest_tail(self, objective: Objective, budget: int | None, unlike: Plan | None) -> list[int] | None:
        """The smallest time that enough demands are within, by halving the list of all times that occur."""
        times = np.unique(self.problem.latencies[np.isfinite(self.problem.latencies)])
        enough = covered(objective, len(self.problem.demands))
        low, high, found = 0, len(times) - 1, None
        while low <= high:
            middle = (low + high) // 2
            opened = self._cover(float(times[middle]), enough, budget, unlike)
            if opened is None:
                low = middle + 1
            else:
                high, found = middle - 1, (float(times[middle]), opened)
        if found is None:
            return None
        within, opened = found
        plan = plan_of(self.problem, opened, Objective.MEAN)
        assert plan is not None
        return self._smallest_mean_within(within, enough, int(plan.monthly_usd * CENTS), unlike) or opened

    def _cover(self, within: float, enough: int, budget: int | None, unlike: Plan | None) -> list[int] | None:
        """The cheapest set that has ``enough`` demands within a time and serves all."""
        first = len(self.problem.candidates)
        rules = [*self._opening(budget, unlike), *self._served_at_all, *self._within(within, enough, first)]
        return self._solve(self._cost, rules, first + len(self.problem.demands))

    def _smallest_mean_within(self, within: float, enough: int, budget: int, unlike: Plan | None) -> list[int] | None:
        weights = demand_weights(self.problem, Objective.MEAN)
        means = {number: weights[demand] * ms for number, (_, demand, ms) in self._pairs.items()}
        rules = [
            *self._serving,
            *self._opening(budget, unlike),
            *self._within(within, enough, self._variables),
        ]
        return self._solve(means, rules, self._variables + len(self.problem.demands))

    def _within(self, within: float, enough: int, first: int) -> list[tuple[Row, float, float]]:
        """A variable for each demand from number ``first`` on: 1 only if an open candidate is within the time."""
        near = self.problem.latencies <= within
        rules: list[tuple[Row, float, float]] = []
        for demand in range(len(self.problem.demands)):
            row: Row = {int(number): 1.0 for number in np.flatnonzero(near[:, demand] & self._finite[:, demand])}
            rules.append(({**row, first + demand: -1.0}, 0.0, np.inf))
        together: Row = {first + demand: 1.0 for demand in range(len(self.problem.demands))}
        return [*rules, (together, float(enough), np.inf)]

    @cached_property
    def _finite(self) -> np.typing.NDArray[np.bool_]:
        finite: np.typing.NDArray[np.bool_] = np.isfinite(self.problem.latencies)
        return finite

    @cached_property
    def _pairs(self) -> dict[int, tuple[int, int, float]]:
        """Variable to (candidate, demand, ms), for the pairs that can be."""
        first = len(self.problem.candidates)
        return {
            first + count: (int(candidate), int(demand), float(self.problem.latencies[candidate, demand]))
            for count, (candidate, demand) in enumerate(np.argwhere(self._finite))
        }

    @property
    def _variables(self) -> int:
        return len(self.problem.candidates) + len(self._pairs)

    @cached_property
    def _cost(self) -> Row:
        return {number: float(cents) for number, cents in enumerate(self.problem.cents)}

    @cached_property
    def _serving(self) -> list[tuple[Row, float, float]]:
        """Each demand is served in full, and only by what is open."""
        whole: list[Row] = [{} for _ in self.problem.demands]
        rules: list[tuple[Row, float, float]] = []
        for variable, (candidate, demand, _) in self._pairs.items():
            whole[demand][variable] = 1.0
            rules.append(({variable: 1.0, candidate: -1.0}, -np.inf, 0.0))
        return [*((row, 1.0, 1.0) for row in whole), *rules]

    @cached_property
    def _served_at_all(self) -> list[tuple[Row, float, float]]:
        return [
            ({int(number): 1.0 for number in np.flatnonzero(self._finite[:, demand])}, 1.0, np.inf)
            for demand in range(len(self.problem.demands))
        ]

    def _opening(self, budget: int | None, unlike: Plan | None) -> list[tuple[Row, float, float]]:
        """What holds of the open ones alone."""
        rules: list[tuple[Row, float, float]] = []
        if budget is not None:
            rules.append((self._cost, -np.inf, float(budget)))
        places = self.problem.by_place()
        rules += [(dict.fromkeys(numbers, 1.0), -np.inf, 1.0) for numbers in places.values() if len(numbers) > 1]
        if self.problem.in_reach > 1:
            rules += [(row, float(self.problem.in_reach), np.inf) for row, _, _ in self._served_at_all]
        if unlike is not None:
            always = {candidate.place for candidate in self.problem.candidates if candidate.always}
            wanted = set(unlike.places(self.problem)) - always
            row: Row = dict.fromkeys((number for place in sorted(wanted) for number in places[place]), 1.0)
            rules.append((row, -np.inf, float(len(wanted) - 1)))
        return rules

    def _solve(self, smallest: Row, rules: Sequence[tuple[Row, float, float]], variables: int) -> list[int] | None:
        """The numbers of the candidates to open; None if nothing fulfils the rules."""
        count = len(self.problem.candidates)
        if any((not row and low > 0) or (not row and high < 0) for row, low, high in rules):
            return None
        with _silence():
            result = milp(
                _dense(smallest, variables),
                integrality=np.concatenate((np.ones(count), np.zeros(variables - count))),
                bounds=Bounds(
                    np.array(
                        [float(candidate.always) for candidate in self.problem.candidates] + [0.0] * (variables - count)
                    ),
                    np.ones(variables),
                ),
                constraints=LinearConstraint(
                    _matrix([row for row, _, _ in rules], variables),
                    np.array([low for _, low, _ in rules]),
                    np.array([high for _, _, high in rules]),
                ),
                options={"mip_rel_gap": 0.0, "time_limit": TIME_LIMIT_S},
            )
        if result.status == INFEASIBLE:
            return None
        if result.x is None or result.status != 0:
            raise Unsolved(
                f"no proven answer within {TIME_LIMIT_S:.0f} s ({result.message}). Fewer candidates make it quicker: "
                "name places with --place"
            )
        return [number for number in range(count) if result.x[number] > 0.5]


def _dense(row: Row, variables: int) -> Floats:
    found = np.zeros(variables)
    for variable, factor in row.items():
        found[variable] = factor
    return found


def _matrix(rows: Sequence[Row], variables: int) -> csr_array:
    cells = [(line, variable, factor) for line, row in enumerate(rows) for variable, factor in row.items()]
    lines, columns, factors = zip(*cells, strict=True)
    return coo_array((factors, (lines, columns)), shape=(len(rows), variables)).tocsr()


@contextmanager
def _silence() -> Iterator[None]:
    """The solver's library prints a line of its own now and then, past Python and into what ``--json`` prints."""
    sys.stdout.flush()
    kept = os.dup(STANDARD_OUTPUT)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), STANDARD_OUTPUT)
            try:
                yield
            finally:
                os.dup2(kept, STANDARD_OUTPUT)
    finally:
        os.close(kept)
