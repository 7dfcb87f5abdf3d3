"""One priced row: how much of what, at which price, by which rule, and where that is known from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Origin:
    """Where a price is from."""

    source: str
    as_of: date | None
    """The day it was read; None for what a stack file says."""
    confidence: str


@dataclass(frozen=True)
class Line:
    """A row of an estimate."""

    row: str
    """Its name, for ``--explain``: ``nj/server``."""
    stack: str
    region: str
    service: str
    """Who bills it; empty where nobody that we know does."""
    what: str
    quantity: Decimal
    unit: str
    unit_usd: Decimal | None
    monthly_usd: Decimal | None
    """To the cent; None: unpriced, see ``rule`` for the reason."""
    rule: str
    """How quantity and price become the amount, or why there is none."""
    origin: Origin | None = None
    note: str = ""
