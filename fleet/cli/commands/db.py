"""``fleet db``: the market database, its replicas, its backups."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.db.copies import CopiesStatus
    from fleet.model.backup import Backup

app = typer.Typer(name="db", help="The market database, its replicas, its backups.", no_args_is_help=True)
Host = Annotated[str, typer.Argument(help="The replica's host, such as nj.")]


@app.command()
def status(root: Root = None, json: Json = False) -> None:
    """How far each replica is, what it cannot follow, how old the newest copy off the hub is. Exit code 1 if wrong."""
    from fleet.db.shippers import database_host
    from fleet.db.shippers import status as ask

    context = Context(root)
    with database_host(context.hosts, context.configuration.fleet.hub, context.vault) as connection:
        found = ask(connection, _replicas(context))
    copies = _copies_status(context)
    if json:
        backup = None if copies is None else asdict(copies)
        print_json({"replicas": [vars(replica) for replica in found], "backup": backup})
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
        for line in told(copies):
            print(line)
    late = copies is not None and copies.late
    if late or any(replica.needs_resync or not replica.followed for replica in found):
        raise typer.Exit(1)


def told(copies: CopiesStatus | None) -> tuple[str, ...]:
    """The copies off the hub, for people."""
    if copies is None:
        return ("copies: none are taken off the hub, so there is no RPO. Say where: questdb.backup in fleet.yaml",)
    promise = f"RPO {copies.rpo_hours} h and the time that a copy takes"
    if copies.problem is not None:
        return (f"copies: {copies.host} cannot be asked: {copies.problem}",)
    if copies.newest is None:
        return (f"copies: LATE: {copies.host} has none yet ({promise}). Make one: fleet db backup",)
    line = f"copies: {copies.copies} at {copies.host}, the newest {copies.newest}, {copies.age_hours} h old ({promise})"
    if not copies.late:
        return (line,)
    return (line, "copies: LATE: see on the hub why: journalctl -u fleet-db-backup.service. Make one: fleet db backup")


@app.command()
def resync(host: Host, table: Annotated[str, typer.Argument(help="The table.")], root: Root = None) -> None:
    """Copy one table of a replica anew. The old one serves until the copy is whole."""
    _resync(Context(root), host, (table,))


@app.command()
def bootstrap(host: Host, root: Root = None) -> None:
    """Copy every table of a replica anew, as after its disk was lost. Each old one serves until its copy is whole."""
    _resync(Context(root), host, ())


@app.command()
def backup(root: Root = None, json: Json = False) -> None:
    """Copy the primary's database as of one moment, off the hub, now. The copy is checked where it arrives."""
    from fleet.db.copies import send
    from fleet.db.shippers import database_host

    context = Context(root)
    _plan(context)
    with database_host(context.hosts, context.configuration.fleet.hub, context.vault) as connection:
        sent = send(connection)
    if json:
        print_json(asdict(sent))
    else:
        print(f"{sent.name}: at {sent.host}, checked there, {sent.bytes / 1e6:.1f} MB, {sent.seconds:.0f} s")


@app.command()
def restore(
    copy: Annotated[str, typer.Option(help="The copy's name; default: the newest.")] = "",
    confirm: Annotated[str, typer.Option(help="The copy's name once more, instead of typing it.")] = "",
    root: Root = None,
) -> None:
    """Bring a copy back: the hub's database is put aside, not deleted, and every replica is copied anew.

    Killed half-way, the same command goes on.
    """
    from fleet.db.copies import copies_on
    from fleet.db.copies import restore as bring_back
    from fleet.db.shippers import database_host, standing_host

    context = Context(root)
    keeper, hub = _plan(context).to, context.configuration.fleet.hub
    with standing_host(context.hosts, keeper, context.vault) as connection:
        found = copies_on(connection)
    names = [each.name for each in found]
    if not names or (copy and copy not in names):
        raise typer.BadParameter(f"no copy {copy or 'at all'} at {keeper}. Copies: {', '.join(names) or 'none'}")
    name = copy or names[0]
    print_table(f"Copies at {keeper}", ("copy", "MB"), [(each.name, f"{each.bytes / 1e6:.1f}") for each in found])
    print(f"{hub}: its database becomes what it was at {name}; what was written since is put aside on the hub.")
    print("Stop what writes first. Replicas serve what they have until each table was copied anew.")
    if (confirm or typer.prompt(f"Type the copy's name ({name}) to go on")) != name:
        print("not confirmed: nothing was changed")
        raise typer.Exit(3)
    with database_host(context.hosts, hub, context.vault) as connection:
        done = bring_back(connection, name)
    for table, rows in done.tables.items():
        print(f"  {table}: {rows} rows")
    print(f"{hub}: restored as of {name}. What was there lies in {done.aside}; delete it when nobody misses it.")
    print("Every replica is being copied anew; look at it with: fleet db status")


def _plan(context: Context) -> Backup:
    plan = context.configuration.fleet.questdb.backup
    if plan is None:
        raise typer.BadParameter(
            "no host keeps copies of the database. Say which in fleet.yaml: questdb: {backup: {to: nj, every: 6h}}, "
            "then: fleet up"
        )
    return plan


def _copies_status(context: Context) -> CopiesStatus | None:
    """How fresh the copies are; None where none are taken."""
    from datetime import UTC, datetime

    from fleet.db.copies import copies_on, status_of, unknown_status
    from fleet.db.problem import DatabaseProblem
    from fleet.db.shippers import standing_host
    from hosts import HostError

    plan = context.configuration.fleet.questdb.backup
    if plan is None:
        return None
    try:
        with standing_host(context.hosts, plan.to, context.vault) as connection:
            found = copies_on(connection)
    except (DatabaseProblem, HostError) as problem:
        return unknown_status(plan.to, plan.every_hours, plan.keep, str(problem))
    return status_of(plan.to, plan.every_hours, plan.keep, found, datetime.now(UTC))


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
