"""``fleet roi``: break-even, never a promise."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.roi.break_even import BadAmount, Loss, break_even, gain
from fleet.roi.scenarios import load_scenarios
from tests.said import Fleet

pytestmark = pytest.mark.unit

AMOUNTS = st.integers(1, 100_000).map(lambda number: Decimal(number) / 100)


@given(cost=AMOUNTS, saved=AMOUNTS, one=AMOUNTS, other=AMOUNTS)
def test_break_even_is_the_first_number_of_trades_that_brings_the_cost_in(
    cost: Decimal, saved: Decimal, one: Decimal, other: Decimal
) -> None:
    loss = Loss(min(one, other), max(one, other))
    found = break_even(cost, saved, loss)
    tolerance = Decimal("1e-9")
    assert found.at_high <= found.at_low
    assert gain(cost, saved, loss, found.at_low).low_usd >= -tolerance
    assert gain(cost, saved, loss, found.at_low - 1).low_usd < tolerance
    assert gain(cost, saved, loss, found.at_high).high_usd >= -tolerance


def test_by_hand(fleet: Fleet) -> None:
    """Trades x 0.50 x 80 / 100 = 200 at 500 trades, and 125 with a loss of 2.00."""
    facts = fleet("roi", "--cost", "200", "--saved", "80", "--loss", "0.50..2", "--trades", "500", "--json").facts
    assert facts["break_even_trades"] == [125, 500]
    assert facts["gain_usd"] == ["0.00", "600.00"]


def test_the_loss_is_the_users_and_is_unset_by_default(fleet: Fleet) -> None:
    said = fleet("roi", "--cost", "200", "--saved", "80")
    assert "worth it where trades a month x your loss per trade and 100 ms is above USD 250.00" in said.out
    assert "your loss per trade and 100 ms is not set" in said.out
    assert "break-even" not in said.out


def test_cost_and_milliseconds_of_the_fleet_are_the_default_and_said_to_be_an_estimate(fleet: Fleet) -> None:
    facts = fleet("roi", "--json").facts
    assert Decimal(facts["monthly_usd"]) > 0
    assert Decimal(facts["saved_ms"]) > 0
    assert "estimate" in facts["saved_ms_is"]
    assert facts["break_even_trades"] is None


def test_the_scenarios_of_the_specification_are_examples_with_their_assumptions(fleet: Fleet) -> None:
    said = fleet("roi", "--cost", "305", "--saved", "80")
    assert len(load_scenarios()) == 3
    for words in (
        "day trading",
        "800-2000",
        "495.00 to 1,695.00",
        "swing trading",
        "-105.00 to 195.00",
        "they assume:",
    ):
        assert words in said.out
    assert "20 trading days a month" in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--saved", "0", "--cost", "5"),
        ("--loss", "0"),
        ("--loss", "2..1"),
        ("--loss", "much"),
        ("--cost", "-1", "--saved", "5"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(fleet: Fleet, arguments: tuple[str, ...]) -> None:
    said = fleet("roi", *arguments)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert said.err


def test_negative_trades_are_refused() -> None:
    with pytest.raises(BadAmount, match="-1 trades a month"):
        gain(Decimal(1), Decimal(1), Loss(Decimal(1), Decimal(1)), -1)
