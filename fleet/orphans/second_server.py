"""Does a server of a host stand already, in no stack? Two with one identity must never live at once.

A reply that was lost leaves one, and at most providers a name is no hindrance to renting the same server again.
"""

from __future__ import annotations

from collections.abc import Collection

from fleet.configuration import Configuration
from fleet.engine import EngineError
from fleet.operation.locks import locks_of
from fleet.orphans.owned import Owned
from fleet.orphans.search import search
from fleet.orphans.states import StateUnreadable
from fleet.workspace import Workspace


class SecondServer(Exception):
    """A server of a host stands and is in no stack. Nothing was changed."""

    exit_code = 3


def refuse_second_server(configuration: Configuration, workspace: Workspace, wanted: Collection[str]) -> None:
    """Refuse to bring stacks up while a server of one of their hosts is in no stack.

    What cannot be looked at is no hindrance: the run tells it at its end (``fleet.orphans.summary``).

    Raises:
        SecondServer: names each server, and what to do with it; before them, who holds one of the stacks: a run that
            goes on may be making the server, and one that was killed has to be unlocked first.
    """
    try:
        found = search(configuration, workspace)
    except (StateUnreadable, EngineError):
        return
    hosts = {ref.id for ref in configuration.hosts() if ref.region in wanted}
    if standing := [orphan.owned for orphan in found.orphans if _is_of(orphan.owned, hosts)]:
        held = [str(lock) for stack in sorted(wanted) for lock in locks_of(workspace, stack)]
        raise SecondServer("\n".join([*held, *(_said(server) for server in standing)]))


def _is_of(owned: Owned, hosts: Collection[str]) -> bool:
    return owned.what == "server" and owned.certain and owned.host in hosts


def _said(server: Owned) -> str:
    return (
        f"{server.provider} server {server.id} of {server.host} stands at {server.location} and is in no stack: this "
        f"run would rent another one with the same identity. Nothing was changed. Take it in: fleet orphans adopt "
        f"{server.id} - or: fleet orphans delete {server.id}"
    )
