"""``fleet orphans``: servers and addresses that are ours, cost money, and are in no stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.orphans.comparison import Orphan
    from fleet.orphans.search import Findings

app = typer.Typer(name="orphans", help="Servers and addresses of ours that no stack knows of.")
Region = Annotated[list[str] | None, typer.Option("--aws-region", help="Look into this AWS region too; repeatable.")]
Id = Annotated[str, typer.Argument(help="The provider's id of it, as fleet orphans lists it.")]
COLUMNS = ("provider", "what", "id", "name", "address", "plan", "location", "created", "$/month", "")


@app.callback(invoke_without_command=True)
def orphans(typed: typer.Context, root: Root = None, json: Json = False, aws_region: Region = None) -> None:
    """List them, with what they cost. Nothing is changed."""
    if typed.invoked_subcommand is not None:
        typed.obj = root
        return
    context = Context(root)
    findings = _search(context, aws_region)
    if json:
        print_json(_document(context, findings))
    else:
        _tell(context, findings)
    if any(place.failed for place in findings.not_looked):
        raise typer.Exit(1)


@app.command()
def adopt(
    typed: typer.Context,
    id: Id,
    host: Annotated[str, typer.Option(help="The host that it is for, where it does not say so itself.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Go on without asking.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only print the engine's command for it.")] = False,
    root: Root = None,
    aws_region: Region = None,
) -> None:
    """Take one into the state of the stack that it belongs to, so that the next run goes on with it."""
    from fleet.orphans.adoption import adopt as take_in
    from fleet.orphans.adoption import plan_adoption

    context = Context(root or typed.obj)
    findings = _search(context, aws_region)
    orphan = _chosen(findings, id)
    adoption = plan_adoption(orphan, context.configuration, findings.states, host)
    print(adoption.command)
    if show:
        return
    if not yes and not typer.confirm(f"Take {id} into stack {adoption.stack} as {adoption.name}?"):
        print("not confirmed: nothing was changed")
        raise typer.Exit(3)
    take_in(context.workspace, adoption)
    _settle(context, orphan)
    print(f"{id} is in stack {adoption.stack} now. Look at what the next run does: fleet preview {adoption.stack}")


@app.command()
def delete(
    typed: typer.Context,
    id: Id,
    confirm: Annotated[str, typer.Option(help="The id once more, instead of typing it.")] = "",
    root: Root = None,
    aws_region: Region = None,
) -> None:
    """Delete one at its provider: a server with its disk, an address for good."""
    from fleet.orphans.deletion import delete as remove
    from fleet.orphans.deletion import refuse_running

    context = Context(root or typed.obj)
    findings = _search(context, aws_region)
    orphan = _chosen(findings, id)
    refuse_running(orphan, context.workspace)
    owned = orphan.owned
    lost = "its disk is lost" if owned.plan else "nobody gets this address back"
    print(f"This deletes {owned.what} {owned.name or owned.id} ({owned.address}) at {owned.provider}: {lost}.")
    if not owned.certain:
        print("It carries no mark of this fleet: make sure that nothing else in the account uses it.")
    if orphan.interrupted is not None:
        print(f"Stack {orphan.interrupted.stack} began to create it: make sure that no run of it still goes on.")
    if (confirm or typer.prompt(f"Type its id ({id}) to go on")) != id:
        print("not confirmed: nothing was changed")
        raise typer.Exit(3)
    remove(findings, orphan)
    _settle(context, orphan)
    print(f"{id} is deleted")


def _settle(context: Context, orphan: Orphan) -> None:
    from fleet.orphans.settling import strike_out

    if orphan.interrupted is None:
        return
    for other in strike_out(context.workspace, orphan.interrupted):
        print(f"still unfinished in stack {other.stack}: {other.operation} {other.name}")


def _search(context: Context, aws_region: list[str] | None) -> Findings:
    from fleet.orphans.search import search

    configuration, workspace = context.configuration, context.workspace
    progress("orphans", "asking the providers, reading every stack")
    return search(configuration, workspace, aws_region or ())


def _chosen(findings: Findings, id: str) -> Orphan:
    found = findings.find(id)
    if len(found) == 1:
        return found[0]
    for place in findings.not_looked:
        print(f"not looked at: {place.source}: {place.reason}")
    listed = ", ".join(orphan.owned.id for orphan in findings.orphans) or "there are none"
    raise typer.BadParameter(f"{'several orphans have' if found else 'no orphan has'} the id '{id}'. Orphans: {listed}")


def _tell(context: Context, findings: Findings) -> None:
    rows = [_row(context, orphan) for orphan in findings.orphans]
    if rows:
        print_table("In no stack, and paid for", COLUMNS, rows)
        print("Take one in: fleet orphans adopt ID    Delete one: fleet orphans delete ID")
    elif findings.looked:
        print(f"no orphans at {', '.join(findings.looked)}")
    for operation in findings.interrupted:
        kind = operation.type.rpartition(":")[2]
        print(f"unfinished: stack {operation.stack} was {operation.operation} {kind} {operation.name}")
    for place in findings.not_looked:
        print(f"not looked at: {place.source}: {place.reason}")


def _row(context: Context, orphan: Orphan) -> tuple[object, ...]:
    fact = _fact(context, orphan)
    price = "not known" if fact["monthly_usd"] is None else fact["monthly_usd"]
    note = "" if fact["certain"] else "may be another's"
    if orphan.interrupted is not None:
        note = f"unfinished create in stack {orphan.interrupted.stack}"
    shown = ("provider", "what", "id", "name", "address", "plan", "location", "created")
    return (*(fact[name] for name in shown), price, note)


def _fact(context: Context, orphan: Orphan) -> dict[str, Any]:
    from fleet.orphans.search import monthly_usd

    owned = orphan.owned
    interrupted = orphan.interrupted.stack if orphan.interrupted else None
    price = monthly_usd(context.configuration, owned)
    return {**vars(owned), "what": owned.what, "monthly_usd": price, "interrupted_in": interrupted}


def _document(context: Context, findings: Findings) -> dict[str, Any]:
    return {
        "orphans": [_fact(context, orphan) for orphan in findings.orphans],
        "interrupted": [vars(operation) for operation in findings.interrupted],
        "looked": findings.looked,
        "not_looked": [vars(place) for place in findings.not_looked],
    }
