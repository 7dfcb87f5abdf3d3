"""Looking at every set and solving a program are two ways to the same answer."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.placement.exhaustive import Exhaustive
from fleet.placement.mixed_integer import MixedInteger
from fleet.placement.plan import Objective, Plan, moved, plan_of
from fleet.placement.problem import Candidate, Demand, Problem, Reach

pytestmark = pytest.mark.unit

SAME_MS = 1e-5


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to seven candidates in up to five places, some places twice, some pairs barred, some venues with limits."""
    places = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7))
    first_is_hub = draw(st.booleans())
    candidates = tuple(
        Candidate(f"{place}{number}", place, Decimal(draw(st.integers(5, 60))), always=first_is_hub and number == 0)
        for number, place in enumerate(places)
    )
    demands = tuple(
        Demand(
            f"v{number}",
            weight=draw(st.sampled_from([0.5, 1.0, 3.0])),
            limit_ms=draw(st.one_of(st.none(), st.integers(20, 200).map(float))),
        )
        for number in range(draw(st.integers(1, 6)))
    )
    reaches = tuple(
        tuple(
            Reach(float(draw(st.integers(1, 250))), barred=draw(st.sampled_from(["", "", "", "", "barred"])))
            for _ in demands
        )
        for _ in candidates
    )
    budget = draw(st.one_of(st.none(), st.integers(10, 200).map(Decimal)))
    return Problem(candidates, demands, reaches, budget, in_reach=draw(st.sampled_from([1, 1, 2])))


def same(one: Plan | None, other: Plan | None) -> bool:
    """Equal answers may open different servers; score and cost are equal."""
    if one is None or other is None:
        return one is other
    return abs(one.score_ms - other.score_ms) <= SAME_MS and one.monthly_usd == other.monthly_usd


def fulfils(problem: Problem, plan: Plan) -> bool:
    """Every rule, told the slow way."""
    places = plan.places(problem)
    reaching = [
        sum(
            not problem.reaches[number][column].barred
            and (demand.limit_ms is None or problem.reaches[number][column].ms <= demand.limit_ms)
            for number in plan.opened
        )
        for column, demand in enumerate(problem.demands)
    ]
    return (
        len(set(places)) == len(places)
        and all(number in plan.opened for number, one in enumerate(problem.candidates) if one.always)
        and (problem.budget_usd is None or plan.monthly_usd <= problem.budget_usd)
        and min(reaching) >= problem.in_reach
    )


@settings(max_examples=60)
@given(problem=problems(), objective=st.sampled_from(list(Objective)))
def test_best_and_runner_up_and_cheapest(problem: Problem, objective: Objective) -> None:
    every, program = Exhaustive(problem), MixedInteger(problem)
    best = every.best(objective)
    assert same(best, program.best(objective))
    assert same(every.cheapest(), program.cheapest()) or (
        # The cheapest is by cost alone; of equally cheap ones any will do.
        (every.cheapest() is not None) == (program.cheapest() is not None)
        and every.cheapest().monthly_usd == program.cheapest().monthly_usd  # type: ignore[union-attr]
    )
    if best is not None:
        assert fulfils(problem, best)
        runner_up = every.best(objective, unlike=best)
        assert same(runner_up, program.best(objective, unlike=best))
        if runner_up is not None:
            assert fulfils(problem, runner_up)
            assert set(best.places(problem)) - set(runner_up.places(problem))


@settings(max_examples=25)
@given(problem=problems(), objective=st.sampled_from(list(Objective)))
def test_the_front(problem: Problem, objective: Objective) -> None:
    every, program = Exhaustive(problem).front(objective), MixedInteger(problem).front(objective)
    assert len(every) == len(program)
    assert all(same(one, other) for one, other in zip(every, program, strict=True))
    for one, dearer in itertools.pairwise(every):
        assert one.monthly_usd < dearer.monthly_usd
        assert one.score_ms > dearer.score_ms


@settings(max_examples=60)
@given(problem=problems(), objective=st.sampled_from(list(Objective)))
def test_leaving_out_dominated_candidates_changes_no_answer(problem: Problem, objective: Objective) -> None:
    assert same(Exhaustive(problem).best(objective), Exhaustive(problem.without_the_dominated()).best(objective))


@settings(max_examples=150)
@given(problem=problems(), objective=st.sampled_from(list(Objective)))
def test_leaving_out_useless_candidates_changes_neither_the_best_nor_the_front(
    problem: Problem, objective: Objective
) -> None:
    whole = problem.without_the_dominated()
    useful = whole.without_the_useless()
    assert same(Exhaustive(whole).best(objective), Exhaustive(useful).best(objective))
    fronts = Exhaustive(whole).front(objective), Exhaustive(useful).front(objective)
    assert len(fronts[0]) == len(fronts[1])
    assert all(same(one, other) for one, other in zip(*fronts, strict=True))
    for plan in fronts[1]:
        there = moved(plan, useful, whole)
        assert {whole.candidates[number].name for number in there.opened} == {
            useful.candidates[number].name for number in plan.opened
        }
        assert same(there, plan_of(whole, there.opened, objective))


def test_a_farther_and_dearer_server_is_useless_unless_two_must_be_in_reach() -> None:
    candidates = tuple(Candidate(name, name, Decimal(usd)) for name, usd in (("near", 5), ("far", 6), ("cheap", 4)))
    reaches = ((Reach(10.0),), (Reach(20.0),), (Reach(30.0),))
    problem = Problem(candidates, (Demand("v"),), reaches)
    assert [one.name for one in problem.without_the_useless().candidates] == ["near", "cheap"]
    twice = Problem(candidates, (Demand("v"),), reaches, in_reach=2)
    assert twice.without_the_useless() == twice


def test_the_quantile_of_twenty_leaves_one_out() -> None:
    """Nearest rank: the 19th of 20 is the 95th percentile, the 20th the worst."""
    demands = tuple(Demand(f"v{number}") for number in range(20))
    reaches = (tuple(Reach(float(number + 1)) for number in range(20)),)
    problem = Problem((Candidate("a", "a", Decimal(5)),), demands, reaches)
    scores = {objective: plan_of(problem, [0], objective) for objective in Objective}
    assert {name: plan.score_ms for name, plan in scores.items() if plan} == {
        Objective.MEAN: 10.5,
        Objective.WEIGHTED: 10.5,
        Objective.P95: 19.0,
        Objective.WORST: 20.0,
    }


def test_more_candidates_than_can_be_looked_at_are_refused() -> None:
    candidates = tuple(Candidate(f"c{number}", f"p{number}", Decimal(5)) for number in range(17))
    problem = Problem(candidates, (Demand("v"),), tuple((Reach(1.0),) for _ in candidates))
    with pytest.raises(ValueError, match="17 candidates to choose from; at most 16"):
        Exhaustive(problem)
