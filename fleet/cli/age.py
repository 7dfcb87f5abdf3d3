"""A word on standard error about rows of the catalogue that are old, for commands that answer by them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fleet.catalogue.prices import PriceList
    from fleet.catalogue.round_trips import RoundTrips


def tell_age(prices: PriceList, services: Collection[str], trips: RoundTrips) -> None:
    """Name what is old of the prices of some services, and of the published round trips."""
    from datetime import date

    from fleet.catalogue.staleness import stale_rows

    plans = [plan for plan in prices.catalogue.plans if plan.service in services]
    today = date.today()
    for sentence in (*stale_rows("prices", plans, today), *stale_rows("round trips", trips.measured.values(), today)):
        typer.echo(f"stale: {sentence}", err=True)
