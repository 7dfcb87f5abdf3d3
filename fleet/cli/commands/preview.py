"""``fleet preview``: what ``up`` would change."""

from __future__ import annotations

import typer

from fleet.cli.commands.up import Stacks, tell
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, progress


def preview(stacks: Stacks = None, root: Root = None, json: Json = False) -> None:
    """What ``up`` would change in each stack."""
    from fleet.operation import order
    from fleet.operation.fleet_up import run_waves
    from fleet.operation.run import preview as look_ahead

    context = Context(root)
    ordered = order.together(order.waves(context.configuration, stacks or ()))
    runs = run_waves(context.workspace, ordered, look_ahead, progress)
    if json:
        print_json([{**vars(run), "ok": run.ok} for run in runs])
    else:
        tell(runs, [name for wave in ordered for name in wave])
    if not all(run.ok for run in runs):
        raise typer.Exit(1)
