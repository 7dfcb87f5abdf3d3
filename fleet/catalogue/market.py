"""What is compared with: sellers that this project cannot rent from, and the specification's own cost table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fleet.catalogue.catalogue import Location, Plan, Row, Usd
from fleet.catalogue.overlay import NO_OWN_ROWS, Overlay
from fleet.catalogue.reading import rows


class Seller(Row):
    """Who sells servers, this project's providers and others to compare them with."""

    name: str
    title: str
    rentable: bool = False
    """Whether a stack file of this project can name it."""
    quote_only: bool = False
    """No price list: it is asked for an offer."""
    note: str = ""


class MarketPlan(Plan):
    """A size of a seller that this project cannot rent from: shown as an alternative, never chosen."""

    list_price: str = ""
    """The price as listed, where it is in another currency: no exchange rate is guessed."""


class ListedCharge(Row):
    """What something beside a server is listed at in another currency."""

    service: str
    name: str
    """As ``Charge.name``, which is the row to write where a price in dollars is known."""
    list_price: str
    per: Literal["month", "hour", "GB and month", "TB"]
    note: str = ""


@dataclass(frozen=True)
class Market:
    """What sellers that this project cannot rent from have on offer."""

    sellers: Mapping[str, Seller]
    locations: tuple[Location, ...]
    plans: tuple[MarketPlan, ...]
    charges: Mapping[tuple[str, str], ListedCharge]
    """By service and name."""

    def listed(self, service: str, name: str) -> str:
        """What something is listed at in another currency; empty where that is not known either."""
        found = self.charges.get((service, name))
        return f"{found.list_price} a {found.per}" if found is not None else ""


class SpecificationCost(Row):
    """One row of the specification's cost table: a claim."""

    place: str
    title: str
    server_usd: Usd
    bandwidth_usd: Usd
    size: str
    """What it asks for there."""

    @property
    def monthly_usd(self) -> Decimal:
        """Server and bandwidth together."""
        return self.server_usd + self.bandwidth_usd


def load_market(own: Overlay = NO_OWN_ROWS) -> Market:
    """What can be had elsewhere, with the rows of a fleet's own."""
    sellers = own.over("sellers", {(row["name"],): Seller(**row) for row in rows("sellers")})
    charges = own.over("listed_charges", {_key(row): ListedCharge(**row) for row in rows("listed_charges")})
    return Market(
        sellers={row.name: row for row in sellers},
        locations=own.over("market_locations", {_key(row): Location(**row) for row in rows("market_locations")}),
        plans=own.over("market", {_key(row): MarketPlan(**row) for row in rows("market")}),
        charges={(row.service, row.name): row for row in charges},
    )


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["service"], row["name"])


def load_specification_costs(own: Overlay = NO_OWN_ROWS) -> tuple[SpecificationCost, ...]:
    """The specification's own cost table, with the rows of a fleet's own."""
    shipped = [SpecificationCost(**row) for row in rows("specification_costs")]
    return own.over("specification_costs", {(row.place,): row for row in shipped})
