"""Money: decimals, rounded to the cent where an amount becomes a line; sums of lines are then exact."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
MONTHS = 12
NOTHING = Decimal("0.00")


def cents(amount: Decimal) -> Decimal:
    """Rounded to the cent, half a cent upwards."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def text(amount: Decimal | None) -> str:
    """For people: ``51.00``, and ``unpriced`` for what is not known."""
    return "unpriced" if amount is None else f"{cents(amount):,.2f}"


def signed(amount: Decimal) -> str:
    """A difference: ``+8.00``, ``-24.00``, ``0.00``."""
    rounded = cents(amount)
    return f"{rounded:+,.2f}" if rounded else "0.00"
