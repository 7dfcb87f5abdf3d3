"""What comes with a server wherever it is rented: its static address and, at some sellers, its disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue.catalogue import Plan
from fleet.catalogue.prices import PriceList
from fleet.cost.money import NOTHING
from fleet.cost.pricing import IMAGE_DISK_GB
from fleet.cost.rental import rent

SERVER, ADDRESS, DISK = "server", "static address", "disk"


@dataclass(frozen=True)
class Part:
    """One of the things that a server is billed as."""

    name: str
    usd: Decimal | None
    """Not rounded; None: its price is not known, which is never taken for nothing."""


def parts(
    prices: PriceList,
    plan: Plan,
    location: str,
    hours: Decimal,
    months: Decimal = Decimal(1),
    disk_gb: int = IMAGE_DISK_GB,
) -> tuple[Part, ...]:
    """Everything that a server is billed as.

    Args:
        hours: of one month that the server exists.
        months: that its address and its disk exist.
        disk_gb: of its root disk, where the seller rents it apart.
    """
    price, billing = plan.price_at(location), prices.billing.get(plan.service)
    rented = rent(price, billing, hours) if price is not None and billing is not None else None
    address = prices.charge(plan.service, ADDRESS, location)
    found = (
        Part(SERVER, None if rented is None else rented.usd),
        Part(ADDRESS, None if address is None else address.monthly_usd() * months),
    )
    if plan.disk_gb is not None:
        return found
    disk = prices.charge(plan.service, DISK, location)
    return (*found, Part(DISK, None if disk is None else disk.usd * disk_gb * months))


def unpriced(found: Iterable[Part]) -> tuple[str, ...]:
    """The names of the parts whose price is not known."""
    return tuple(part.name for part in found if part.usd is None)


def known_sum(found: Iterable[Part]) -> Decimal:
    """What the others cost together."""
    return sum((part.usd for part in found if part.usd is not None), NOTHING)
