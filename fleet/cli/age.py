"""A word on standard error about rows of the catalogue that are old, for commands that answer by them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fleet.catalogue.catalogue import Row
    from fleet.catalogue.prices import PriceList
    from fleet.catalogue.round_trips import RoundTrips


def tell_age(prices: PriceList, services: Collection[str], trips: RoundTrips) -> None:
    """Name what is old of the prices of some services, and of the published round trips."""
    plans = [plan for plan in prices.catalogue.plans if plan.service in services]
    tell_age_of("prices", plans)
    tell_age_of("round trips", trips.measured.values())


def tell_age_of(kind: str, rows: Iterable[Row]) -> None:
    """Name what is old of some rows.

    Args:
        kind: what they are, in the plural.
    """
    from datetime import date

    from fleet.catalogue.staleness import stale_rows

    for sentence in stale_rows(kind, rows, date.today()):
        typer.echo(f"stale: {sentence}", err=True)
