"""``fleet operator``: who may connect, from where, with which key."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.cli.context import Context, Root

app = typer.Typer(name="operator", help="Who may connect, from where, with which key.", no_args_is_help=True)
NEXT = "written to fleet.yaml; it reaches the hosts with the next: fleet up"


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name for the person.")],
    key: Annotated[str, typer.Option(help="OpenSSH public key, as one argument.")] = "",
    address: Annotated[str, typer.Option(help="Network that ssh is opened to, such as 198.51.100.7/32.")] = "",
    root: Root = None,
) -> None:
    """Let a person's key log in, or open ssh to an address, or both."""
    from fleet.operation.operators import add_operator

    add_operator(Context(root).root, name, key, address)
    print(NEXT)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    address: Annotated[str, typer.Option(help="A network that ssh is closed to again.")] = "",
    root: Root = None,
) -> None:
    """Take a person's key away, and close ssh to an address if one is given."""
    from fleet.operation.operators import remove_operator

    remove_operator(Context(root).root, name, address)
    print(NEXT)
