"""``fleet secrets``: the secrets with names in the fleet's encrypted file, such as the venues' keys."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json

app = typer.Typer(name="secrets", help="Secrets with names in the fleet's encrypted file.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Its name: venue, region and credential, such as alpaca/nj/api-key.")]


@app.command("set")
def set_secret(name: Name, root: Root = None) -> None:
    """Add or replace a secret. Its value is asked for, or read from standard input; never given as an argument."""
    from fleet.secrets.sources import check_name, check_value

    check_name(name)
    store = Context(root).workspace.open_secrets()
    if sys.stdin.isatty():
        value = typer.prompt(f"Value of {name}", hide_input=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    check_value(name, value)
    store.set(name, value)
    print(f"{name}: set; it reaches the hosts that use it with the next: fleet up")


@app.command("list")
def list_secrets(root: Root = None, json: Json = False) -> None:
    """The names of the secrets in the file."""
    names = list(Context(root).workspace.open_secrets().names())
    if json:
        print_json(names)
        return
    for name in names:
        print(name)


@app.command()
def remove(name: Name, root: Root = None) -> None:
    """Forget a secret."""
    Context(root).workspace.open_secrets().remove(name)
    print(f"{name}: removed from the file; hosts that use it keep it until their region stops using the venue")
