"""Break-even: the trades a month from which servers cost less than the latency that they save.

``gain = trades x loss per trade and 100 ms x ms saved / 100``. A monthly cost recurs, so there is no day on which it is
paid back: there is only a number of trades a month above which it is worth it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

PER_MS = Decimal(100)
"""The loss is told for so many milliseconds."""


class BadAmount(Exception):
    """A number that makes no sense; the text says which, and what is allowed."""

    exit_code = 2


@dataclass(frozen=True)
class Loss:
    """What the user loses on one trade for each 100 ms: a range, which may be a single number."""

    low_usd: Decimal
    high_usd: Decimal


@dataclass(frozen=True)
class BreakEven:
    """From how many trades a month on it is worth it."""

    at_low: int
    """With the low loss: the larger number."""
    at_high: int


@dataclass(frozen=True)
class Gain:
    """What a month's trades gain, less the cost."""

    low_usd: Decimal
    high_usd: Decimal


def needed_usd(monthly_usd: Decimal, saved_ms: Decimal) -> Decimal:
    """What trades a month times loss per trade and 100 ms must reach: what can be said without knowing the loss.

    Raises:
        BadAmount: nothing is saved.
    """
    _check(monthly_usd, saved_ms)
    return monthly_usd * PER_MS / saved_ms


def break_even(monthly_usd: Decimal, saved_ms: Decimal, loss: Loss) -> BreakEven:
    """The whole trades a month that bring the cost in.

    Raises:
        BadAmount: nothing is saved, or the loss is not a range of amounts above zero.
    """
    if not 0 < loss.low_usd <= loss.high_usd:
        raise BadAmount(
            f"a loss of {loss.low_usd} to {loss.high_usd} dollars a trade: amounts above 0, the lower first"
        )
    needed = needed_usd(monthly_usd, saved_ms)
    return BreakEven(_trades(needed, loss.low_usd), _trades(needed, loss.high_usd))


def gain(monthly_usd: Decimal, saved_ms: Decimal, loss: Loss, trades: int) -> Gain:
    """What a number of trades leaves after the cost.

    Raises:
        BadAmount: a negative number of trades.
    """
    if trades < 0:
        raise BadAmount(f"{trades} trades a month: a whole number from 0")
    low, high = (trades * usd * saved_ms / PER_MS - monthly_usd for usd in (loss.low_usd, loss.high_usd))
    return Gain(low, high)


def _trades(needed: Decimal, loss_usd: Decimal) -> int:
    return int((needed / loss_usd).to_integral_value(ROUND_CEILING))


def _check(monthly_usd: Decimal, saved_ms: Decimal) -> None:
    if monthly_usd < 0:
        raise BadAmount(f"a cost of {monthly_usd} dollars a month: an amount from 0")
    if saved_ms <= 0:
        raise BadAmount(f"{saved_ms} ms are saved: there is nothing to weigh the cost against")
