"""``fleet doctor``: what this machine lacks, and which commands need it."""

from __future__ import annotations

import typer

from fleet.cli.context import Json
from fleet.cli.output import print_json, print_table


def doctor(json: Json = False) -> None:
    """Look for everything that the commands need on this machine."""
    from fleet.operation.doctor import findings

    found = findings()
    if json:
        print_json([vars(finding) for finding in found])
    else:
        rows = [(f.name, "ok" if f.present else "missing", f.detail, ", ".join(f.needed_by)) for f in found]
        print_table("This machine", ("what", "state", "detail", "needed by"), rows)
    if not all(finding.present for finding in found):
        raise typer.Exit(4)
