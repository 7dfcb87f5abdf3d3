"""What is billed, and how: the rules of each seller beside its plans. The numbers are rows with a source and a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import Field

from fleet.catalogue.catalogue import Catalogue, Row, Usd

Counted = Literal["started hours", "seconds", "whole months"]
"""What of a month's use is paid: every hour that began; every second; the month, however short the use."""

Pool = Literal["account", "server"]
"""Whose included traffic is used up first: all servers' of the account together, or each server its own."""

MONTH_HOURS = 730
"""Hours of the average month (8,760 / 12): what a price "a month" means where nothing else is said."""


class Billing(Row):
    """How a seller counts the time of a server."""

    service: str
    counted: Counted
    minimum_seconds: int = Field(default=0, ge=0)
    """The least that a server is billed for."""
    cap_hours: int | None = None
    """Hours of a month from which the monthly price holds; None: there is no ceiling."""
    note: str = ""
    """What the reader must know of the rule: what is disputed, what costs when switched off."""


class Transfer(Row):
    """How a seller counts outgoing traffic."""

    service: str
    pool: Pool
    gb_per_tb: Literal[1000, 1024]
    free_gb: Decimal = Decimal(0)
    """Included in the account, beside what each plan includes."""
    counts_incoming: bool = False
    """Whether incoming traffic uses up what is included (it is never billed)."""
    usd_per_gb: Usd | None = None
    """Price of a GB beyond; None: not known, except in ``locations``."""
    locations: Mapping[str, Usd] = {}
    """Locations with a price of their own."""
    note: str = ""

    def rate(self, location: str) -> Decimal | None:
        """Price of a GB beyond what is included, at a location; None where that is not known."""
        return self.locations.get(location, self.usd_per_gb)


class Charge(Row):
    """The price of something beside the server itself."""

    service: str
    name: str
    usd: Usd
    per: Literal["month", "hour", "GB and month", "share of the server", "million queries"]
    locations: tuple[str, ...] | None = None
    """Locations for which it is known to hold; None: all."""
    free: int = 0
    """How many of them cost nothing."""
    note: str = ""

    def monthly_usd(self) -> Decimal:
        """A month of it, where it is counted by time."""
        return self.usd * MONTH_HOURS if self.per == "hour" else self.usd


@dataclass(frozen=True)
class PriceList:
    """Everything that a fleet is priced with, by service."""

    catalogue: Catalogue
    billing: Mapping[str, Billing]
    transfer: Mapping[str, Transfer]
    charges: Mapping[tuple[str, str], Charge]
    """By service and name."""

    def charge(self, service: str, name: str, location: str = "") -> Charge | None:
        """The price of something beside the server, at a location; None where it is not known there."""
        found = self.charges.get((service, name))
        if found is None or (found.locations is not None and location not in found.locations):
            return None
        return found
