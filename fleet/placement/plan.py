"""An answer: which candidates to open, what that costs, who serves what, and how good it is by an objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import ceil, isfinite

import numpy as np

from fleet.placement.problem import CENT, CENTS, Floats, Problem

SAME_MS = 1e-6
"""Two scores as near as this are one: less than any clock tells, more than sums of floats are off."""

TAIL = 0.95


class Objective(StrEnum):
    """What is to be small, in ms."""

    MEAN = "mean"
    """Over all venues alike."""
    WEIGHTED = "weighted"
    """The mean by the user's weights."""
    P95 = "p95"
    """What 95 % of the venues are within (nearest rank)."""
    WORST = "worst"
    """The farthest venue."""


@dataclass(frozen=True)
class Plan:
    """Open candidates, by their numbers in the problem."""

    opened: tuple[int, ...]
    served_from: tuple[int, ...]
    """For each demand the nearest open candidate that may serve it."""
    ms: tuple[float, ...]
    """For each demand."""
    monthly_usd: Decimal
    score_ms: float
    """By the objective that it was made for."""

    def places(self, problem: Problem) -> tuple[str, ...]:
        """Where it opens something."""
        return tuple(problem.candidates[number].place for number in self.opened)


def moved(plan: Plan, problem: Problem, to: Problem) -> Plan:
    """A plan of one problem as a plan of another that has the same demands and, by name, its candidates."""
    numbers = {candidate.name: number for number, candidate in enumerate(to.candidates)}
    names = [candidate.name for candidate in problem.candidates]
    return dataclasses.replace(
        plan,
        opened=tuple(sorted(numbers[names[number]] for number in plan.opened)),
        served_from=tuple(numbers[names[number]] for number in plan.served_from),
    )


def fallback(problem: Problem, plan: Plan, demand: int) -> int | None:
    """The open candidate that serves a demand when its own is lost: the next nearest that may; None: none is left."""
    able = [
        number
        for number in plan.opened
        if number != plan.served_from[demand] and isfinite(problem.latencies[number, demand])
    ]
    return min(able, key=lambda number: float(problem.latencies[number, demand]), default=None)


def demand_weights(problem: Problem, objective: Objective) -> Floats:
    """What each demand counts for in a mean; they sum to 1."""
    weights = problem.weights if objective is Objective.WEIGHTED else np.ones(len(problem.demands))
    shares: Floats = weights / weights.sum()
    return shares


def covered(objective: Objective, demands: int) -> int:
    """How many demands must be within the score, for the objectives that look at the tail."""
    return demands if objective is Objective.WORST else ceil(TAIL * demands)


def scores(problem: Problem, objective: Objective, ms: Floats) -> Floats:
    """The score of each row of milliseconds."""
    if objective in (Objective.MEAN, Objective.WEIGHTED):
        weights = demand_weights(problem, objective)
        # An unreachable venue counts, whatever its weight: infinity times zero is no number.
        rated = np.where(np.isfinite(ms), ms, 0.0) @ weights
        return np.where(np.isfinite(ms).all(axis=1), rated, np.inf)
    rank = covered(objective, len(problem.demands)) - 1
    found = np.partition(ms, rank, axis=1)[:, rank]
    return np.where(np.isfinite(ms).all(axis=1), found, np.inf)


def plan_of(problem: Problem, opened: Iterable[int], objective: Objective) -> Plan | None:
    """The plan that opens these and the ones that are always open; None if a venue cannot be served by them.

    Neither the budget nor ``in_reach`` is looked at.
    """
    always = {number for number, candidate in enumerate(problem.candidates) if candidate.always}
    numbers = sorted({*opened, *always})
    if not numbers:
        return None
    rows = problem.latencies[numbers]
    nearest = rows.argmin(axis=0)
    ms = rows[nearest, np.arange(len(problem.demands))]
    score = float(scores(problem, objective, ms[np.newaxis, :])[0])
    if not isfinite(score):
        return None
    return Plan(
        opened=tuple(numbers),
        served_from=tuple(numbers[number] for number in nearest),
        ms=tuple(float(value) for value in ms),
        monthly_usd=(Decimal(int(problem.cents[numbers].sum())) / CENTS).quantize(CENT),
        score_ms=score,
    )
