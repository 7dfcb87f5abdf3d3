"""Destroying a stack on purpose: its machines are unprotected first, its static addresses are not touched."""

from __future__ import annotations

from collections.abc import Iterator

from pulumi import automation

from fleet.configuration import Configuration
from fleet.model.stack import ADDRESSES, ExistingHost
from fleet.operation.run import Progress, StackRun, destroy, selected
from fleet.workspace import Workspace


def keeps_costing(configuration: Configuration, stack: str) -> Iterator[str]:
    """What goes on costing money after the stack is gone."""
    if stack == ADDRESSES:
        return
    for ref in configuration.hosts_of(stack):
        if isinstance(ref.host, ExistingHost):
            yield f"{ref.id}: a server of your own, which stays as it is"
        elif stack in configuration.addresses.regions:
            yield f"{ref.id}: its static address, in stack addresses (remove {stack} from its regions to give it up)"


def take_down(workspace: Workspace, stack: str, progress: Progress) -> StackRun:
    """Unprotect what the stack protects and destroy it."""
    try:
        chosen = selected(workspace, stack)
    except automation.StackNotFoundError:
        return StackRun(stack, {}, (f"no stack '{stack}' in {workspace.backend}",), (), {}, 0.0)
    state = chosen.export_stack()
    for resource in (state.deployment or {}).get("resources", []):
        resource.pop("protect", None)
    chosen.import_stack(state)
    return destroy(workspace, stack, progress)
