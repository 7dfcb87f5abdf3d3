"""What hours of a server cost, by its seller's own rule."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from fleet.catalogue.catalogue import LocationPrice
from fleet.catalogue.prices import MONTH_HOURS, Billing

HOUR_SECONDS = 3600


@dataclass(frozen=True)
class Rent:
    """The amount, not yet rounded, and how it came about."""

    usd: Decimal
    rule: str
    hours: Decimal
    """Hours that are billed."""


def rent(price: LocationPrice, billing: Billing, hours: Decimal) -> Rent | None:
    """What ``hours`` of one month cost; None where the price that the rule needs is not known."""
    billed = _billed_hours(billing, hours)
    if billing.counted == "whole months":
        if price.monthly_usd is None:
            return None
        return Rent(price.monthly_usd if hours else Decimal(0), "a month counts as a whole", billed)
    if billing.cap_hours is None:
        if price.hourly_usd is None:
            return None
        return Rent(price.hourly_usd * billed, f"{billed} h at {price.hourly_usd}, no ceiling", billed)
    return _capped(price, billing.cap_hours, billed)


def _capped(price: LocationPrice, cap_hours: int, billed: Decimal) -> Rent | None:
    ceiling, hourly = price.monthly_usd, price.hourly_usd
    if ceiling is None:
        return None if hourly is None else Rent(hourly * billed, f"{billed} h at {hourly}", billed)
    if billed >= cap_hours:
        return Rent(ceiling, f"the monthly price holds from {cap_hours} h", billed)
    if hourly is None:
        return Rent(ceiling * billed / cap_hours, f"{billed} of {cap_hours} h of the monthly price", billed)
    if hourly * billed >= ceiling:
        return Rent(ceiling, f"{billed} h at {hourly} reach the monthly price", billed)
    return Rent(hourly * billed, f"{billed} h at {hourly}, below the monthly price {ceiling}", billed)


def _billed_hours(billing: Billing, hours: Decimal) -> Decimal:
    if not hours:
        return Decimal(0)
    match billing.counted:
        case "whole months":
            return Decimal(MONTH_HOURS)
        case "started hours":
            return hours.to_integral_value(ROUND_CEILING)
        case "seconds":
            seconds = max((hours * HOUR_SECONDS).to_integral_value(ROUND_CEILING), Decimal(billing.minimum_seconds))
            return seconds / HOUR_SECONDS
