"""A plan as its provider lists it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from fleet.orphans.providers.listing import ListingFailed


@dataclass(frozen=True)
class Price:
    """In US dollars; None: not listed."""

    hourly_usd: Decimal | None = None
    monthly_usd: Decimal | None = None


@dataclass(frozen=True)
class ListedPlan:
    """One row of a provider's list."""

    service: str
    name: str
    vcpu: int
    memory_gb: Decimal
    disk_gb: int | None
    transfer_tb: Decimal | None
    price: Price
    """Wherever no other one holds."""
    location_prices: Mapping[str, Price] = field(default_factory=dict)
    only_there: bool = False
    """Whether ``location_prices`` are all that is known: a price elsewhere is not."""


@dataclass(frozen=True)
class PriceSource:
    """What a list was read from, for the rows' ``source``."""

    service: str
    text: str


class PriceLister(Protocol):
    """One provider's list of prices."""

    @property
    def source(self) -> PriceSource:
        """Where it is read from."""

    def list_plans(self) -> tuple[ListedPlan, ...]:
        """Every plan of the list.

        Raises:
            ListingFailed: not all of it could be read, or it is not plausible.
        """


def plausible(title: str, plans: tuple[ListedPlan, ...]) -> tuple[ListedPlan, ...]:
    """The plans, checked: a list without plans, and a plan whose price is nothing or no number, are faults and no news.

    Raises:
        ListingFailed: names what is wrong.
    """
    if not plans:
        raise ListingFailed(f"{title}: its list of plans is empty")
    for plan in plans:
        for price in (plan.price, *plan.location_prices.values()):
            for usd in (price.hourly_usd, price.monthly_usd):
                if usd is not None and not usd.is_finite():
                    raise ListingFailed(f"{title}: its list says that {plan.name} costs {usd}, which is no price")
                if usd is not None and usd <= 0:
                    raise ListingFailed(f"{title}: its list says that {plan.name} costs nothing")
    return plans
