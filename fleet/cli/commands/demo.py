"""``fleet demo``: the whole fleet rehearsed on this machine."""

from __future__ import annotations

import typer

from fleet.cli.context import Json
from fleet.cli.output import print_json, progress

app = typer.Typer(name="demo", help="The whole fleet rehearsed on this machine.", no_args_is_help=True)


@app.command()
def up(json: Json = False) -> None:
    """Bring up hub, New Jersey and Singapore in the lab, verify them, print what stands. Repeating it is harmless."""
    from fleet.cli.demo_report import facts_of, tell
    from fleet.rehearsal.demo import rehearse

    outcome = rehearse(progress)
    if json:
        print_json(facts_of(outcome))
    else:
        tell(outcome)
    if not outcome.ok:
        raise typer.Exit(1)


@app.command()
def down() -> None:
    """Remove everything that the demo made: containers, networks, namespace, processes, state."""
    from fleet.rehearsal.demo import clear_away

    clear_away(progress)
