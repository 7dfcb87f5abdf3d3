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
    operator: Annotated[str, typer.Option(help="Your name, for --key.")] = "",
    key: Annotated[
        Path | None, typer.Option(help="File with your OpenSSH public key.", exists=True, dir_okay=False)
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="A network you connect from, such as 198.51.100.7/32; repeatable.")
    ] = None,
) -> None:
    """Make, or check, the state backend, the passphrase file, the master secret, and who may connect.

    Changes nothing that exists: run it again to check. Operators are written to fleet.yaml.
    """
    from fleet.operation.initialise import initialise
    from fleet.operation.operators import add_operator

    if key and not operator:
        raise typer.BadParameter("a key belongs to a person: give --operator NAME too")
    context = Context(root)
    for line in initialise(context.root, backend, passphrase_file):
        print(line)
    if key:
        add_operator(context.root, operator, key=key.read_text().strip())
    for network in address or ():
        add_operator(context.root, operator, address=network)
    operators = context.configuration.fleet.operators
    print(f"ssh is open to: {', '.join(map(str, operators.addresses)) or 'nobody yet (--address)'}")
    print(f"who may log in: {', '.join(operators.keys) or 'nobody yet (--operator NAME --key FILE)'}")
