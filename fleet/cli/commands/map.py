"""``fleet map``: the fleet on a world map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.age import tell_age
from fleet.cli.context import Context, Root


def map_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the picture: .svg or .png.")] = Path(
        "fleet.svg"
    ),
    mesh: Annotated[Path | None, typer.Option(help="Measured round trips: what fleet mesh show --json prints.")] = None,
    root: Root = None,
) -> None:
    """Draw the fleet on a world map: regions, mesh, venues and where they are served from, cost. Needs no network.

    Round trips to venues are those that ``fleet latency`` has measured; where nothing was, estimates.
    """
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.latency.known import known
    from fleet.map.chart import chart, read_measured
    from fleet.map.drawing import draw
    from fleet.picture import is_picture, write_picture

    if not is_picture(file):
        raise typer.BadParameter(f"'{file}' ends in neither .svg nor .png, which is what is written", param_hint="FILE")
    context = Context(root)
    prices = load_prices(context.configuration.catalogue, context.root / FOLDER)
    measured = read_measured(mesh) if mesh is not None else {}
    to_venues = known(context.root, context.configuration.venues, prices.catalogue.places)
    write_picture(file, draw(chart(context.configuration, prices, measured, to_venues)))
    print(f"written: {file}")
    tell_age(prices, context.configuration.services(), context.configuration.venues.trips)
