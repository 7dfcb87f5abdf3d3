"""``fleet unlock``: take away the lock that a killed run left."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Context, Root


def unlock(stack: Annotated[str, typer.Argument(help="The locked stack.")], root: Root = None) -> None:
    """Take away a dead run's lock of a stack. Refused while the run that holds it is alive."""
    from fleet.operation import order
    from fleet.operation.locks import unlock as take_away

    context = Context(root)
    order.waves(context.configuration, [stack])
    taken = take_away(context.workspace, stack)
    for lock in taken:
        print(f"unlocked: {stack}, held by {lock.user}@{lock.host} (pid {lock.pid}) since {lock.since}")
    print("look for what that run left: fleet orphans" if taken else f"stack {stack} is not locked")
