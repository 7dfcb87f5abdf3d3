"""How far a venue's weight may change until another plan is the better one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fleet.placement.exhaustive import Exhaustive
from fleet.placement.plan import Objective, Plan, plan_of
from fleet.placement.problem import CENTS, Floats, Problem

LARGEST = 100.0
"""Beyond this a weight says "this venue alone"."""


@dataclass(frozen=True)
class Flip:
    """At this weight of one venue another plan draws level; beyond it, it is better."""

    venue: str
    weight: float
    """As it is."""
    flips_at: float
    plan: Plan
    """The one that takes over."""


def flips_among_all(solver: Exhaustive, best: Plan, objective: Objective) -> tuple[Flip, ...]:
    """Every venue whose weight, alone changed, makes another affordable plan better: exact, by every set."""
    sets, ms = solver.rivals()
    found = [
        _first_crossing(solver.problem, best, ms, demand, upwards, objective)
        for demand in range(len(solver.problem.demands))
        for upwards in (True, False)
    ]
    return _nearest_first(
        Flip(
            solver.problem.demands[one.demand].name,
            one.weight,
            one.weight + one.delta,
            solver.plan_of_set(int(sets[one.rival]), objective),
        )
        for one in found
        if one is not None
    )


def flips_among_neighbours(problem: Problem, best: Plan, objective: Objective) -> tuple[Flip, ...]:
    """The same among the plans that open, close or exchange one candidate: for problems too large for every set."""
    rivals = list(_neighbours(problem, best, objective))
    if not rivals:
        return ()
    ms = np.array([plan.ms for plan in rivals])
    found = [
        _first_crossing(problem, best, ms, demand, upwards, objective)
        for demand in range(len(problem.demands))
        for upwards in (True, False)
    ]
    return _nearest_first(
        Flip(problem.demands[one.demand].name, one.weight, one.weight + one.delta, rivals[one.rival])
        for one in found
        if one is not None
    )


@dataclass(frozen=True)
class _Crossing:
    demand: int
    weight: float
    rival: int
    delta: float


def _first_crossing(
    problem: Problem, best: Plan, ms: Floats, demand: int, upwards: bool, objective: Objective
) -> _Crossing | None:
    """The smallest change of a weight that brings a rival level.

    The sums of both are equal where ``sum(w * (rival - best)) + change * (rival - best of this venue) = 0``: upwards it
    takes rivals that are nearer to the venue, downwards ones that are farther.
    """
    weights = problem.weights if objective is Objective.WEIGHTED else np.ones(len(problem.demands))
    behind = np.maximum((ms - np.array(best.ms)) @ weights, 0.0)
    gain = (np.array(best.ms) - ms)[:, demand] * (1.0 if upwards else -1.0)
    rivals = np.flatnonzero(gain > 0)
    if rivals.size == 0:
        return None
    changes = behind[rivals] / gain[rivals]
    first = int(changes.argmin())
    delta = float(changes[first]) * (1.0 if upwards else -1.0)
    weight = float(weights[demand])
    if not 0 <= weight + delta <= LARGEST:
        return None
    return _Crossing(demand, weight, int(rivals[first]), delta)


def _neighbours(problem: Problem, best: Plan, objective: Objective) -> Iterable[Plan]:
    opened = set(best.opened)
    closed = [number for number in range(len(problem.candidates)) if number not in opened]
    may_close = [number for number in opened if not problem.candidates[number].always]
    moves: Sequence[tuple[set[int], set[int]]] = [
        *(({number}, set[int]()) for number in closed),
        *((set[int](), {number}) for number in may_close),
        *(({one}, {other}) for one in closed for other in may_close),
    ]
    for more, less in moves:
        numbers = (opened | more) - less
        places = [problem.candidates[number].place for number in numbers]
        plan = plan_of(problem, numbers, objective)
        if plan is None or len(set(places)) < len(places) or not _allowed(problem, plan):
            continue
        yield plan


def _allowed(problem: Problem, plan: Plan) -> bool:
    budget = problem.budget_cents
    reaching = np.isfinite(problem.latencies[list(plan.opened)]).sum(axis=0).min()
    return bool((budget is None or plan.monthly_usd * CENTS <= budget) and reaching >= problem.in_reach)


def _nearest_first(flips: Iterable[Flip]) -> tuple[Flip, ...]:
    """Those that need the smallest change, as a ratio."""
    return tuple(sorted(flips, key=lambda flip: abs(flip.flips_at - flip.weight) / max(flip.weight, 1e-9)))
