"""``fleet init``: what a fleet needs on this machine, made or checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet.cli.context import Context, Root


def init(
    root: Root = None,
    backend: Annotated[
        str, typer.Option(help="Where Pulumi keeps the state: file:///folder, or s3://bucket for a team.")
    ] = "",
    passphrase_file: Annotated[
        Path | None, typer.Option(help="One passphrase for all stacks and secrets; made if it is not there.")
    ] = None,
) -> None:
    """Make, or check, the state backend, the passphrase file and the master secret. Changes nothing that exists."""
    from fleet.operation.initialise import initialise

    for line in initialise(Context(root).root, backend, passphrase_file):
        print(line)
