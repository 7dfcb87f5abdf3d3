"""``fleet db``: the market database, its replicas, its backups."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

app = typer.Typer(name="db", help="The market database, its replicas, its backups.", no_args_is_help=True)
Host = Annotated[str, typer.Argument(help="The replica's host, such as nj.")]


@app.command()
def status(root: Root = None, json: Json = False) -> None:
    """How far each replica is behind the primary, and which tables cannot be followed. Exit code 1 if any."""
    from fleet.db.shippers import database_host
    from fleet.db.shippers import status as ask

    context = Context(root)
    with database_host(context.hosts, context.configuration.fleet.hub, context.vault) as connection:
        found = ask(connection, _replicas(context))
    if json:
        print_json([vars(replica) for replica in found])
    else:
        rows = [
            (
                replica.host,
                replica.state,
                "-" if replica.heartbeat_behind is None else f"{replica.heartbeat_behind:.2f} s",
                "-" if replica.lag_p99 is None else f"{replica.lag_p99 * 1000:.0f} ms",
                "-" if replica.transactions_behind is None else replica.transactions_behind,
            )
            for replica in found
        ]
        print_table("Replicas", ("host", "state", "heartbeat", "lag p99", "transactions behind"), rows)
        for replica in found:
            for table, reason in (replica.needs_resync or {}).items():
                print(f"{replica.host}: {table}: {reason}. Mend it: fleet db resync {replica.host} {table}")
    if any(replica.needs_resync or replica.needs_resync is None for replica in found):
        raise typer.Exit(1)


@app.command()
def resync(host: Host, table: Annotated[str, typer.Argument(help="The table.")], root: Root = None) -> None:
    """Copy one table of a replica anew. The old one serves until the copy is whole."""
    _resync(Context(root), host, (table,))


@app.command()
def bootstrap(host: Host, root: Root = None) -> None:
    """Copy every table of a replica anew, as after its disk was lost. Each old one serves until its copy is whole."""
    _resync(Context(root), host, ())


@app.command()
def backup(root: Root = None) -> None:
    """Copy the primary's database as of one moment, on its own disk. It does not leave the host yet."""
    from fleet.db.shippers import backup as copy
    from fleet.db.shippers import database_host

    context = Context(root)
    with database_host(context.hosts, context.configuration.fleet.hub, context.vault) as connection:
        print(f"copied as of {copy(connection)}; it lies on the hub's own disk: take it off from there")


def _resync(context: Context, host: str, tables: tuple[str, ...]) -> None:
    from fleet.db.shippers import database_host
    from fleet.db.shippers import resync as request

    if host not in _replicas(context):
        raise typer.BadParameter(f"no replica '{host}'. Replicas: {', '.join(_replicas(context))}")
    with database_host(context.hosts, context.configuration.fleet.hub, context.vault) as connection:
        request(connection, host, tables)
    print(f"{host}: being copied; look at it with: fleet db status")


def _replicas(context: Context) -> tuple[str, ...]:
    """The standing hosts with a replica."""
    hub = context.configuration.fleet.hub
    return tuple(
        host.ref.id for host in context.hosts if host.ref.region != hub and "questdb" in context.bundles(host.ref)
    )
