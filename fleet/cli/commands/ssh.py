"""``fleet ssh``: a shell on a host, its key verified."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleet.cli.context import Context, Root


def ssh(
    host: Annotated[str, typer.Argument(help="The host's id, for example nj.")],
    command: Annotated[list[str] | None, typer.Argument(help="A command instead of a shell.")] = None,
    through_hub: Annotated[bool, typer.Option(help="By way of the hub, over the mesh.")] = False,
    root: Root = None,
) -> None:
    """Open a shell on a host with the system's ssh; the host key is the pinned one and no other."""
    from fleet.operation.login import log_in

    context = Context(root)
    wanted = context.host(host)
    hub = context.host(context.configuration.fleet.hub) if through_hub else None
    sys.exit(log_in(wanted, hub, context.vault, command or []))
