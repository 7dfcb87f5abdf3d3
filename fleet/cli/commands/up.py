"""``fleet up``: bring stacks up, phase by phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, progress

if TYPE_CHECKING:
    from fleet.operation.run import StackRun

Stacks = Annotated[list[str] | None, typer.Argument(help="Stacks; default: addresses and every open region.")]
Stopped = Annotated[
    list[str] | None,
    typer.Option(help="A region that trades nothing whatever its state says: you have made sure. Repeatable."),
]


def up(
    stacks: Stacks = None,
    root: Root = None,
    json: Json = False,
    together: Annotated[bool, typer.Option(help="Do not wait between phases: for the first bring-up.")] = False,
    stopped: Stopped = None,
) -> None:
    """Bring stacks up: addresses first, then the regions phase by phase, the ones of a phase at the same time."""
    from fleet.images.follow import follow_tags
    from fleet.operation import order
    from fleet.operation.fleet_up import run_waves
    from fleet.operation.guard import refuse_during_exchange, refuse_placeholders
    from fleet.operation.one_primary import refuse_second_primary
    from fleet.operation.one_trader import refuse_second_trader
    from fleet.operation.run import up as bring_up
    from fleet.operation.store_versions import replicas_first
    from fleet.orphans import count_orphans
    from fleet.orphans.second_server import refuse_second_server

    context = Context(root)
    follow_tags(context.root, progress)
    refuse_placeholders(context.configuration)
    refuse_during_exchange(context.workspace.open_secrets())
    waves = order.waves(context.configuration, stacks or ())
    wanted = {name for wave in waves for name in wave}
    refuse_second_primary(context.configuration, context.workspace, wanted)
    refuse_second_trader(context.configuration, context.workspace, sorted(wanted), stopped or ())
    refuse_second_server(context.configuration, context.workspace, wanted)
    ordered, changes = replicas_first(
        context.configuration, context.workspace, context.vault, order.together(waves) if together else waves
    )
    for change in changes:
        progress(context.configuration.fleet.hub, f"{change}: comes last, after the regions that replicate it")
    runs = run_waves(context.workspace, ordered, bring_up, progress)
    if json:
        print_json([facts_of(run) for run in runs])
    else:
        tell(runs, [name for wave in ordered for name in wave])
        for line in count_orphans(context.configuration, context.workspace).lines():
            print(line)
    if not all(run.ok for run in runs) or len(runs) < sum(map(len, ordered)):
        raise typer.Exit(1)


def tell(runs: Sequence[StackRun], wanted: Sequence[str]) -> None:
    """One line a stack, and the engine's own words for what failed."""
    for run in runs:
        changes = ", ".join(f"{count} {kind}" for kind, count in run.changes.items()) or "no changes"
        print(f"{run.stack}: {changes if run.ok else 'FAILED'} ({run.seconds:.1f} s)")
        for error in run.errors:
            print(f"  {error}")
    if left := [name for name in wanted if name not in {run.stack for run in runs}]:
        print(f"not started: {', '.join(left)}")


def facts_of(run: StackRun) -> dict[str, object]:
    """A run as JSON shows it."""
    return {**vars(run), "ok": run.ok}
