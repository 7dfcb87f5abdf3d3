"""Quantiles, and how sure an improvement is: what must hold for any samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.latency.bootstrap import Improvement, block_length, improvements
from fleet.latency.quantiles import P95_FROM, P99_FROM, quantiles
from tests.latency.made import around

pytestmark = pytest.mark.unit

MS = st.floats(min_value=0.01, max_value=100_000, allow_nan=False)
RESOLUTION = 0.001
"""Three digits."""
MICROSECOND = 0.001


def improvement(before: list[float], after: list[float], quantile: float) -> Improvement | None:
    return improvements(before, after)[quantile]


def nearest_rank(samples: list[float], percent: int) -> float:
    return sorted(samples)[-(-len(samples) * percent // 100) - 1]


@settings(max_examples=50)
@given(st.lists(MS, min_size=1, max_size=300))
def test_quantiles_are_those_of_the_samples_to_three_digits(samples: list[float]) -> None:
    found = quantiles(samples)
    assert found.n == len(samples)
    for value, percent in ((found.p50, 50), (found.p95, 95)):
        if value is not None:
            assert value == pytest.approx(nearest_rank(samples, percent), rel=2 * RESOLUTION, abs=MICROSECOND)
    assert found.least == pytest.approx(min(samples), rel=2 * RESOLUTION, abs=MICROSECOND)
    assert found.most == pytest.approx(max(samples), rel=2 * RESOLUTION, abs=MICROSECOND)


@pytest.mark.parametrize(
    ("n", "p95", "p99"),
    [
        (1, False, False),
        (P95_FROM - 1, False, False),
        (P95_FROM, True, False),
        (200, True, False),
        (P99_FROM - 1, True, False),
        (P99_FROM, True, True),
    ],
)
def test_the_count_decides_which_quantiles_are_told(n: int, p95: bool, p99: bool) -> None:
    found = quantiles([10.0] * n)
    assert found.p50 == pytest.approx(10, rel=RESOLUTION)
    assert (found.p95 is not None, found.p99 is not None) == (p95, p99)


def test_no_samples_have_no_quantiles() -> None:
    found = quantiles([])
    assert (found.n, found.p50, found.p95, found.p99, found.least, found.most) == (0, None, None, None, None, None)


@settings(max_examples=8)
@given(
    st.lists(st.floats(min_value=50, max_value=100), min_size=40, max_size=80),
    st.floats(min_value=0.01, max_value=0.4),
)
def test_a_scaled_down_series_has_improved_by_just_that_and_it_shows(before: list[float], factor: float) -> None:
    """1 - q(f x) / q(x) is 1 - f whatever x is; and all of before lies above all of after."""
    after = [value * factor for value in before]
    for quantile in (0.5, 0.95):
        found = improvement(before, after, quantile)
        assert found is not None
        assert found.share == pytest.approx(1 - factor)
        assert found.low <= found.share + 1e-9
        assert found.high >= found.share - 1e-9
        assert found.shown


@settings(max_examples=8)
@given(st.lists(st.floats(min_value=50, max_value=100), min_size=40, max_size=80))
def test_the_same_samples_have_not_improved_and_nothing_else_is_said(samples: list[float]) -> None:
    for quantile in (0.5, 0.95):
        found = improvement(samples, samples, quantile)
        assert found is not None
        assert found.share == 0
        assert not found.shown
        assert str(found).startswith("not shown [")


def test_too_few_samples_say_nothing() -> None:
    assert improvement([1.0] * 9, [1.0] * 100, 0.5) is None
    assert improvement([1.0] * 100, [1.0] * 39, 0.95) is None
    assert improvement([1.0] * 40, [1.0] * 40, 0.95) is not None


def test_getting_worse_is_shown_as_well() -> None:
    found = improvement(around(10), around(30), 0.5)
    assert found is not None
    assert found.shown
    assert found.high < 0
    assert str(found).startswith("-200.0 % [-")


def test_the_tail_is_never_told_by_the_middle() -> None:
    """Ten times faster in the middle, with a tail that stayed: p50 improved, p95 did not, or nothing is shown."""
    before, after = around(100, 400, tail_ms=900), around(10, 400, tail_ms=900)
    middle, tail = improvement(before, after, 0.5), improvement(before, after, 0.95)
    assert middle is not None
    assert tail is not None
    assert middle.low > 0.8
    assert not tail.shown


def test_the_same_samples_give_the_same_interval() -> None:
    assert improvement(around(100), around(10), 0.95) == improvement(around(100), around(10), 0.95)


def test_neighbours_that_are_alike_make_the_interval_wider() -> None:
    """A quarter of an hour slow and a quarter of an hour fast tell less than the same samples in any order."""
    generator = np.random.default_rng(7)
    waves = [float(100 + 30 * np.sin(number / 40)) + float(generator.normal(0, 2)) for number in range(400)]
    mixed = [waves[int(at)] for at in generator.permutation(400)]
    correlated, shuffled = improvement(waves, around(50, 400), 0.5), improvement(mixed, around(50, 400), 0.5)
    assert correlated is not None
    assert shuffled is not None
    assert correlated.high - correlated.low > 1.5 * (shuffled.high - shuffled.low)


def test_many_samples_are_drawn_in_parts_with_the_quantiles_of_numpy() -> None:
    """2,000 resamples of 2,000 do not fit into one part."""
    before, after = around(100, 2_000, tail_ms=300), around(10, 2_000, tail_ms=50)
    for quantile in (0.5, 0.95):
        found = improvement(before, after, quantile)
        assert found is not None
        assert found.share == pytest.approx(float(1 - np.quantile(after, quantile) / np.quantile(before, quantile)))
        assert found.low <= found.share <= found.high


@pytest.mark.parametrize(("n", "length"), [(1, 1), (10, 2), (27, 3), (240, 6), (1000, 10)])
def test_blocks_grow_with_the_third_root(n: int, length: int) -> None:
    assert block_length(n) == length
