"""``fleet map``: the fleet on a world map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.context import Context, Root


def map_(
    file: Annotated[Path, typer.Argument(metavar="FILE.svg", help="Where to write the picture.")] = Path("fleet.svg"),
    mesh: Annotated[Path | None, typer.Option(help="Measured round trips: what fleet mesh show --json prints.")] = None,
    root: Root = None,
) -> None:
    """Draw the fleet on a world map: regions, mesh, venues and where they are served from, cost. Needs no network."""
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.map.chart import chart, read_measured
    from fleet.map.drawing import draw

    if file.suffix.lower() != ".svg":
        raise typer.BadParameter(f"'{file}' does not end in .svg, which is what is written", param_hint="FILE.svg")
    context = Context(root)
    prices = load_prices(context.configuration.catalogue, context.root / FOLDER)
    measured = read_measured(mesh) if mesh is not None else {}
    file.write_text(draw(chart(context.configuration, prices, measured)), encoding="utf-8")
    print(f"written: {file}")
