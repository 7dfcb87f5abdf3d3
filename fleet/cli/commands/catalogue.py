"""``fleet catalogue``: what can be rented, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.cost.refresh.run import Refresh

app = typer.Typer(name="catalogue", help="What can be rented, and for how much.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What can be rented, and for how much."""


@app.command()
def refresh(
    providers: Annotated[
        list[str] | None,
        typer.Argument(help="vultr, digitalocean, lightsail, ec2; default: vultr, whose list needs no token."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    json: Json = False,
    root: Root = None,
) -> None:
    """Read live prices, show what differs, and write them into the folder catalogue of this fleet.

    Nothing is written unless every list that was asked for arrived whole.
    """
    import os
    from datetime import date

    from fleet.catalogue.overlay import FOLDER
    from fleet.cost.refresh.run import look

    context = Context(root)
    found = look(
        providers or ["vultr"],
        context.configuration.catalogue,
        context.root / FOLDER,
        os.environ,
        date.today(),
    )
    if json:
        print_json(_facts(found))
    else:
        _tell(found)
    if not yes and not typer.confirm(f"Write {', '.join(path.name for path in found.texts)} into {FOLDER}?", err=json):
        typer.echo("not confirmed: nothing was written", err=True)
        raise typer.Exit(3)
    found.write()
    typer.echo(f"written: {', '.join(str(path) for path in found.texts)}", err=True)


def _tell(found: Refresh) -> None:
    from fleet.cost.money import text

    rows = [
        (
            change.service,
            change.plan,
            change.location or "everywhere else",
            text(change.before_usd),
            text(change.after_usd),
            "" if change.percent is None else f"{change.percent:+} %",
        )
        for comparison in found.comparisons
        for change in comparison.changes
    ]
    if rows:
        print_table("Prices that changed, USD a month", ("service", "plan", "where", "before", "now", ""), rows)
    for comparison in found.comparisons:
        print(
            f"{comparison.service}: {len(comparison.kept)} plans read, {len(comparison.changes)} prices changed, "
            f"{comparison.others} further plans on its list"
        )
        if comparison.gone:
            print(f"  listed no more, rows stay as they are: {', '.join(comparison.gone)}")
    for plan, file in found.spared.items():
        print(f"{plan}: your own row in catalogue/{file} stays")


def _facts(found: Refresh) -> list[dict[str, object]]:
    from fleet.cost.facts import amount

    return [
        {
            "service": comparison.service,
            "read": len(comparison.kept),
            "gone": list(comparison.gone),
            "others": comparison.others,
            "changes": [
                {
                    "plan": change.plan,
                    "location": change.location or None,
                    "before_usd": amount(change.before_usd),
                    "after_usd": amount(change.after_usd),
                    "percent": None if change.percent is None else str(change.percent),
                }
                for change in comparison.changes
            ],
        }
        for comparison in found.comparisons
    ]
