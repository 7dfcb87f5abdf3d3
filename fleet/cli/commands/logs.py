"""``fleet logs``: the last lines of a host's journal."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Context, Root


def logs(
    host: Annotated[str, typer.Argument(help="The host's id, for example nj.")],
    unit: Annotated[str, typer.Option(help="Only this unit, for example docker.service.")] = "",
    lines: Annotated[int, typer.Option(min=1, max=100_000, help="How many lines.")] = 100,
    root: Root = None,
) -> None:
    """The last lines of a host's journal."""
    from hosts import connect
    from infra.first_boot import DEPLOY_PATH

    context = Context(root)
    target = context.host(host).target
    chosen = ("--unit", unit) if unit else ()
    argv = target.as_root("journalctl", "--no-pager", "--lines", str(lines), *chosen)
    with connect(target, context.vault.ed25519_private(*DEPLOY_PATH), deadline_seconds=20.0) as connection:
        done = connection.run(argv)
    print(done.stdout.decode(errors="replace"), end="")
    if done.exit_status:
        print(done.stderr.decode(errors="replace"), end="")
        raise typer.Exit(1)
