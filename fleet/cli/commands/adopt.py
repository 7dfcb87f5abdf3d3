"""``fleet adopt``: take a server that stands already into the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli.commands.up import facts_of, tell
from fleet.cli.context import Context, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.adoption.survey import Survey
    from fleet.operation.run import StackRun
    from infra.guest import OpenPort


def adopt(
    host: Annotated[str, typer.Argument(help="The host's id, for example hub.")],
    give_up: Annotated[
        list[str] | None, typer.Option(help="A port that may be closed to the outside, such as 8080/tcp; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without asking.")] = False,
    root: Root = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON; nothing is asked: see --yes.")] = False,
) -> None:
    """Show what would change on a standing server and which open ports would close; then, if agreed, bring it up."""
    from fleet.adoption.survey import closed_ports, record_closed_ports, survey
    from fleet.operation.guard import refuse_during_exchange, refuse_placeholders
    from fleet.operation.run import up

    context = Context(root)
    refuse_placeholders(context.configuration)
    refuse_during_exchange(context.workspace.open_secrets())
    ref = next((ref for ref in context.configuration.hosts() if ref.id == host), None)
    if ref is None:
        raise typer.BadParameter(f"no host '{host}'. Hosts: {', '.join(context.configuration.host_ids())}")
    found = survey(context.configuration, ref, context.vault)
    closed = tuple(dict.fromkeys((*closed_ports(ref.host), *(give_up or ()))))
    unsettled = found.unsettled(closed)
    if not json:
        _tell(host, found, unsettled)
    run = None
    if not unsettled and (yes or (not json and typer.confirm(f"Bring {host} into the fleet?"))):
        if give_up:
            record_closed_ports(context.workspace.root, ref, closed)
        run = up(context.workspace, ref.region, progress)
    if json:
        print_json(_facts(host, found, unsettled, run))
    elif run is not None:
        tell([run], [ref.region])
    elif not unsettled:
        print("not confirmed: nothing was changed")
    if run is None:
        raise typer.Exit(3)
    if not run.ok:
        raise typer.Exit(1)


def _tell(host: str, found: Survey, unsettled: Sequence[OpenPort]) -> None:
    rows = [(change.action, change.kind, change.name) for change in found.changes]
    print_table(f"What adopting {host} adds (nothing of its own is changed or restarted)", ("", "what", "name"), rows)
    ports = [(port.name, port.by, "stays open") for port in found.kept_open]
    ports += [(port.name, port.by, "WOULD BE CLOSED to the outside") for port in found.would_close]
    print_table("Ports that it offers now", ("port", "by", ""), ports)
    if unsettled:
        print("Declare these under public_ports or closed_ports in the stack file, or give them up one by one:")
        for port in unsettled:
            print(f"  public_ports: [{{port: {port.port}, protocol: {port.protocol}}}]   or   --give-up {port.name}")


def _facts(host: str, found: Survey, unsettled: Sequence[OpenPort], run: StackRun | None) -> dict[str, Any]:
    """``run`` is null where nothing was changed: a port is unsettled, or nobody agreed."""
    return {
        "host": host,
        "adds": [{"action": change.action, "kind": change.kind, "name": change.name} for change in found.changes],
        "stay_open": [{"port": port.name, "by": port.by} for port in found.kept_open],
        "close": [{"port": port.name, "by": port.by} for port in found.would_close],
        "unsettled": [port.name for port in unsettled],
        "run": None if run is None else facts_of(run),
    }
