"""Where a weight flips the answer: exact among all plans, and never nearer than that among neighbours."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, given, settings

from fleet.placement.exhaustive import Exhaustive
from fleet.placement.plan import Objective
from fleet.placement.problem import Problem
from fleet.placement.sensitivity import Flip, flips_among_all, flips_among_neighbours
from tests.placement.test_solvers_agree import problems

pytestmark = pytest.mark.unit

ALMOST = 0.999
TOLERANCE = 1e-6


def with_weight(problem: Problem, venue: str, weight: float) -> Problem:
    demands = tuple(
        dataclasses.replace(demand, weight=weight) if demand.name == venue else demand for demand in problem.demands
    )
    return dataclasses.replace(problem, demands=demands)


def same_way(flip: Flip, other: Flip) -> bool:
    """Both ask for more of one venue, or both for less; where a rival is level already, any change will do."""
    changes = [one.flips_at - one.weight for one in (flip, other)]
    return flip.venue == other.venue and changes[0] * changes[1] >= 0


@settings(max_examples=80)
@given(problem=problems())
def test_short_of_a_flip_the_answer_holds(problem: Problem) -> None:
    solver = Exhaustive(problem)
    best = solver.best(Objective.WEIGHTED)
    assume(best is not None)
    assert best is not None
    for flip in flips_among_all(solver, best, Objective.WEIGHTED):
        weight = flip.weight + ALMOST * (flip.flips_at - flip.weight)
        changed = with_weight(problem, flip.venue, weight)
        assume(sum(demand.weight for demand in changed.demands) > 0)
        then = Exhaustive(changed).best(Objective.WEIGHTED)
        assert then is not None
        total = sum(demand.weight for demand in changed.demands)
        held = sum(demand.weight * ms for demand, ms in zip(changed.demands, best.ms, strict=True)) / total
        assert held <= then.score_ms + TOLERANCE


@settings(max_examples=80)
@given(problem=problems())
def test_neighbours_flip_no_sooner_than_all_plans_do(problem: Problem) -> None:
    solver = Exhaustive(problem)
    best = solver.best(Objective.WEIGHTED)
    assume(best is not None)
    assert best is not None
    of_all = flips_among_all(solver, best, Objective.WEIGHTED)
    for flip in flips_among_neighbours(problem, best, Objective.WEIGHTED):
        needed = min(abs(other.flips_at - other.weight) for other in of_all if same_way(flip, other))
        assert needed <= abs(flip.flips_at - flip.weight) + TOLERANCE
        assert problem.budget_usd is None or flip.plan.monthly_usd <= problem.budget_usd
