"""Reading what is billed, and how. Apart from ``reading``: only the questions about money need it."""

from __future__ import annotations

from functools import cache

from fleet.catalogue.catalogue import Catalogue, Location
from fleet.catalogue.prices import Billing, Charge, Market, MarketPlan, PriceList, Seller, SpecificationCost, Transfer
from fleet.catalogue.reading import rows


def load_prices(catalogue: Catalogue) -> PriceList:
    """The price list that goes with a catalogue.

    Raises:
        pydantic.ValidationError: a row is malformed (a fault of the package, kept out by its tests).
    """
    return PriceList(
        catalogue=catalogue,
        billing={row["service"]: Billing(**row) for row in rows("billing")},
        transfer={row["service"]: Transfer(**row) for row in rows("transfer")},
        charges={(row["service"], row["name"]): Charge(**row) for row in rows("charges")},
    )


@cache
def load_market() -> Market:
    """What can be had elsewhere."""
    return Market(
        sellers={row["name"]: Seller(**row) for row in rows("sellers")},
        locations=tuple(Location(**row) for row in rows("market_locations")),
        plans=tuple(MarketPlan(**row) for row in rows("market")),
    )


def load_specification_costs() -> tuple[SpecificationCost, ...]:
    """The specification's own cost table."""
    return tuple(SpecificationCost(**row) for row in rows("specification_costs"))
