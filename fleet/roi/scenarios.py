"""The specification's scenarios, held against a cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from fleet.catalogue.catalogue import Row

FILE = Path(__file__).parent / "scenarios.yaml"

TRADING_DAYS = 20
"""A month; the specification's first two scenarios come out with these: 20 trades x 20 days x 2 to 5 dollars."""
LOSS_PER_TRADE_USD = (Decimal(2), Decimal(5))
"""The specification's, without a source, for day trading; it gives none for the others."""

ASSUMPTIONS = (
    f"{TRADING_DAYS} trading days a month (the first two scenarios follow from them and 2 to 5 dollars a trade; "
    "the third does not: it would be 40 to 200)",
    "each trade loses 2 to 5 dollars, whatever is traded and however many milliseconds are saved: no source says so",
    "all of that loss is due to latency, and all of it goes away",
)


class Scenario(Row):
    """A way of trading, and what it is said to lose."""

    name: str
    trades_a_day: tuple[Decimal, Decimal]
    monthly_loss_usd: tuple[Decimal, Decimal]
    """To latency, as claimed."""
    verdict: str
    """As claimed."""


@dataclass(frozen=True)
class Held:
    """A scenario against a monthly cost."""

    scenario: Scenario
    trades_a_month: tuple[Decimal, Decimal]
    left_usd: tuple[Decimal, Decimal]
    """The claimed loss less the cost: below zero, it does not pay even if all is as claimed."""


@cache
def load_scenarios() -> tuple[Scenario, ...]:
    """The three."""
    groups = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(Scenario(**{**group["defaults"], **row}) for group in groups for row in group["rows"])


def hold(scenario: Scenario, monthly_usd: Decimal) -> Held:
    """What a scenario would leave of its claimed gain after a monthly cost."""
    few, many = scenario.trades_a_day
    low, high = scenario.monthly_loss_usd
    return Held(scenario, (few * TRADING_DAYS, many * TRADING_DAYS), (low - monthly_usd, high - monthly_usd))
