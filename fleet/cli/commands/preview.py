"""``fleet preview``: what ``up`` would change, what that would cost, and which venues it brings closer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fleet.cli.commands.up import Stacks, tell
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.preview.outlook import Outlook


def preview(stacks: Stacks = None, root: Root = None, json: Json = False) -> None:
    """What ``up`` would change in each stack, what that costs a month, and which venues it brings closer."""
    from datetime import date

    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.latency.known import known
    from fleet.operation import order
    from fleet.operation.fleet_up import run_waves
    from fleet.preview.listening import Listening
    from fleet.preview.outlook import outlook

    context = Context(root)
    ordered = order.together(order.waves(context.configuration, stacks or ()))
    asked = [name for wave in ordered for name in wave]
    # Before the engine is asked: it takes seconds, and a fleet's own prices may be wrong.
    prices = load_prices(context.configuration.catalogue, context.root / FOLDER)
    measured = known(context.root, context.configuration.venues, prices.catalogue.places)
    listening = Listening()
    runs = run_waves(context.workspace, ordered, listening, progress)
    found = outlook(listening.plans(runs), asked, context.configuration, prices, date.today(), measured)
    if json:
        from fleet.preview.facts import outlook_facts

        print_json({"stacks": [{**vars(run), "ok": run.ok} for run in runs], **outlook_facts(found)})
    else:
        tell(runs, asked)
        _tell_outlook(found)
    if not all(run.ok for run in runs):
        raise typer.Exit(1)


def _tell_outlook(found: Outlook) -> None:
    from fleet.preview.text import COLUMNS, closer_lines, closer_rows, closer_title, cost_lines

    for line in cost_lines(found):
        print(line)
    if rows := closer_rows(found):
        print_table(closer_title(found), COLUMNS, rows)
    for line in closer_lines(found):
        print(line)
