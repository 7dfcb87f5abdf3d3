"""Striking an interrupted create out of a stack's state once it is known what came of it."""

from __future__ import annotations

from pulumi import automation

from fleet.operation.run import selected
from fleet.orphans.comparison import Interrupted
from fleet.orphans.engine_words import engine_words
from fleet.orphans.states import parse_state
from fleet.workspace import Workspace


class SettlingFailed(Exception):
    """The state still says that a create is under way. Its text says how to put that right."""


def strike_out(workspace: Workspace, settled: Interrupted) -> tuple[Interrupted, ...]:
    """Take the unfinished operation out of its stack's state, if it is the only one there.

    The engine drops all of a state's unfinished operations at once when it reads the state in again. So while there
    are others, it is left too, and the others are returned: each of them may be a server that somebody pays for.

    Raises:
        SettlingFailed: the engine could not write the state.
    """
    try:
        stack = selected(workspace, settled.stack)
        state = stack.export_stack()
        unfinished = parse_state(settled.stack, state.deployment or {}).interrupted
        others = tuple(operation for operation in unfinished if operation != settled)
        if settled in unfinished and not others:
            stack.import_stack(state)
    except automation.CommandError as failure:
        raise SettlingFailed(
            f"the state of stack {settled.stack} still has an unfinished create of {settled.name}: "
            f"{engine_words(failure)}. Later: pulumi refresh --stack {settled.stack} --clear-pending-creates"
        ) from None
    return others
