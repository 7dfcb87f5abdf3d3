"""``fleet venue``: which region trades which account, and moving one."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

app = typer.Typer(name="venue", help="Which region uses which venue; moving an account.", no_args_is_help=True)


@app.command("list")
def list_venues(root: Root = None, json: Json = False) -> None:
    """Every venue that a region uses, and the ones of the catalogue that none does."""
    configuration = Context(root).configuration
    stacks, venues = configuration.stacks, configuration.venues.by_name.values()
    rows: list[tuple[str, ...]] = [
        (venue.name, venue.kind, venue.status, use.account, region, use.mode)
        for venue in venues
        for region, stack in stacks.items()
        for use in stack.venues
        if use.venue == venue.name
    ]
    used = {row[0] for row in rows}
    rows += [(one.name, one.kind, one.status, "", "", "") for one in venues if one.name not in used]
    heads = ("venue", "kind", "status", "account", "region", "mode")
    if json:
        hours = {venue.name: [vars(one) for one in venue.hours] for venue in venues}
        print_json([{**dict(zip(heads, row, strict=True)), "hours": hours[row[0]]} for row in rows])
        return
    print_table("Venues", heads, rows)


@app.command()
def move(
    venue: Annotated[str, typer.Argument(help="A broker of the catalogue.")],
    to: Annotated[str, typer.Option(help="The region that shall trade.")],
    account: Annotated[str, typer.Option(help="The account.")] = "main",
    root: Root = None,
) -> None:
    """Let another region trade an account: the old one stops, is seen to have stopped, then the new one starts."""
    from dataclasses import replace

    from fleet.venues.move import Journal, begin_or_resume, carry_out
    from fleet.venues.planning import outcome, planned, refuse_absent
    from fleet.venues.running import RunningFleet, render

    context = Context(root)
    journal = Journal(context.root / ".fleet" / "venue-move.json")
    under_way = journal.read()
    if under_way is None:
        wanted = planned(context.configuration, venue, account, to)
        afterwards = outcome(context.root, wanted)
        refuse_absent(wanted, [host.ref.id for host in context.hosts])
        render(afterwards, to, context.vault)
    else:
        # The files may be on the way: where it comes from is what the journal says.
        wanted = begin_or_resume(journal, replace(under_way, venue=venue, account=account, target=to))
    fleet = RunningFleet(context.workspace, context.vault, context.hosts, progress)
    # Only now: what cannot begin must not be found under way.
    carry_out(begin_or_resume(journal, wanted), fleet, journal)
    print(f"{venue}: account {account} is traded from {to}")
