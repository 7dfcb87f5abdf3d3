"""What the fact sheet worked out by hand and by search comes out again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fleet.placement.exhaustive import Exhaustive
from fleet.placement.mixed_integer import MixedInteger
from fleet.placement.plan import Objective, plan_of
from tests.placement.worked_case import PLACES, PUBLISHED, SPECIFICATION, numbers, worked_case

pytestmark = pytest.mark.unit

NJ, SIN, LON, CHI, TYO, FRA = "new-jersey", "singapore", "london", "chicago", "tokyo", "frankfurt"


@pytest.mark.parametrize(
    ("opened", "as_specified", "as_published"),
    [
        ((), 91.7, 89.0),
        ((NJ, SIN), 14.2, 21.4),
        ((NJ, SIN, LON), 10.1, 13.2),
        ((NJ, SIN, LON, CHI), 7.8, 10.9),
        ((NJ, SIN, LON, TYO), 10.1, 6.1),
        ((NJ, SIN, LON, TYO, CHI), 7.8, 3.8),
    ],
)
def test_the_table_of_the_fact_sheet(opened: tuple[str, ...], as_specified: float, as_published: float) -> None:
    for hosting, ms in ((SPECIFICATION, as_specified), (PUBLISHED, as_published)):
        plan = plan_of(worked_case(hosting), numbers(*opened), Objective.MEAN)
        assert plan is not None
        assert plan.score_ms == pytest.approx(ms, abs=0.06)


@pytest.mark.parametrize("solver", [Exhaustive, MixedInteger])
def test_the_fourth_region_to_open_is_tokyo_where_the_specification_says_chicago(
    solver: type[Exhaustive] | type[MixedInteger],
) -> None:
    """Five servers at 50 dollars: the hub and four."""
    for hosting, wanted in ((PUBLISHED, {NJ, SIN, LON, TYO}), (SPECIFICATION, {NJ, SIN, LON, CHI})):
        problem = worked_case(hosting).with_budget(Decimal(250))
        plan = solver(problem).best(Objective.MEAN)
        assert plan is not None
        assert set(plan.places(problem)) == {"cdmx", *wanted}
        assert plan.monthly_usd == 250


def test_frankfurt_never_helps() -> None:
    for hosting in (SPECIFICATION, PUBLISHED):
        without = plan_of(worked_case(hosting), numbers(NJ, SIN, LON, TYO, CHI), Objective.MEAN)
        with_it = plan_of(worked_case(hosting), numbers(NJ, SIN, LON, TYO, CHI, FRA), Objective.MEAN)
        assert without is not None
        assert with_it is not None
        assert with_it.score_ms == without.score_ms


def test_new_jersey_with_tokyo_ties_new_jersey_with_singapore() -> None:
    problem = worked_case(PUBLISHED)
    tokyo, singapore = (plan_of(problem, numbers(NJ, asia), Objective.MEAN) for asia in (TYO, SIN))
    assert tokyo is not None
    assert singapore is not None
    assert tokyo.score_ms == pytest.approx(singapore.score_ms, abs=0.05)


def test_the_best_single_region_is_new_jersey_only_with_the_published_hosting() -> None:
    for hosting, best, ms in ((PUBLISHED, NJ, 50.7), (SPECIFICATION, SIN, 50.9)):
        problem = worked_case(hosting).with_budget(Decimal(100))
        plan = Exhaustive(problem).best(Objective.MEAN)
        assert plan is not None
        assert plan.places(problem) == ("cdmx", best)
        assert plan.score_ms == pytest.approx(ms, abs=0.06)


def test_venues_that_refuse_the_us_are_never_served_from_there() -> None:
    problem = worked_case(PUBLISHED)
    everything = plan_of(problem, range(len(PLACES)), Objective.MEAN)
    assert everything is not None
    for demand, server in zip(problem.demands, everything.served_from, strict=True):
        if demand.name in ("binance", "bybit"):
            assert problem.candidates[server].place not in ("new-jersey", "chicago")
