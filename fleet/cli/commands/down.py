"""``fleet down``: destroy what a stack declares, after a typed confirmation."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.commands.up import tell
from fleet.cli.context import Context, Root
from fleet.cli.output import progress


def down(
    stack: Annotated[str, typer.Argument(help="The stack to destroy.")],
    root: Root = None,
    confirm: Annotated[str, typer.Option(help="The stack's name, instead of typing it.")] = "",
) -> None:
    """Destroy the servers of a stack. Its addresses stay reserved, and keep costing, in the stack ``addresses``."""
    from fleet.operation import order
    from fleet.operation.take_down import keeps_costing, take_down

    context = Context(root)
    order.waves(context.configuration, [stack])
    print(f"This destroys every server of stack {stack} with its disk.")
    for line in keeps_costing(context.configuration, stack):
        print(f"Keeps costing: {line}")
    if (confirm or typer.prompt(f"Type the stack's name ({stack}) to go on")) != stack:
        print("not confirmed: nothing was changed")
        raise typer.Exit(3)
    run = take_down(context.workspace, stack, progress)
    tell([run], [stack])
    if not run.ok:
        raise typer.Exit(1)
