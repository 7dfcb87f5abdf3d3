"""``fleet doctor``: what this machine lacks, and which commands need it."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Json
from fleet.cli.output import print_json, print_table


def doctor(
    command: Annotated[str, typer.Argument(help="Only what this command needs, such as up or demo.")] = "",
    json: Json = False,
) -> None:
    """Look for what the commands need on this machine; exit code 4 if something is missing."""
    from fleet.operation.doctor import findings

    found = [finding for finding in findings() if not command or {command, "every command"} & set(finding.needed_by)]
    if json:
        print_json([vars(finding) for finding in found])
    else:
        rows = [(f.name, "ok" if f.present else "missing", f.detail, ", ".join(f.needed_by)) for f in found]
        print_table("This machine", ("what", "state", "detail", "needed by"), rows)
    if not all(finding.present for finding in found):
        raise typer.Exit(4)
