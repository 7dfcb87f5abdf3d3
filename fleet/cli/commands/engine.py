"""``fleet engine``: the Pulumi engine that runs the programs."""

from __future__ import annotations

import sys

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json

app = typer.Typer(name="engine", help="The Pulumi engine that runs the programs.", no_args_is_help=True)


@app.command()
def status(json: Json = False) -> None:
    """Which engine is used, and from where."""
    from fleet.engine import find_engine
    from fleet.workspace.engine_path import CHECKOUT

    engine = find_engine(CHECKOUT)
    if json:
        print_json({"folder": str(engine.folder), "version": engine.version, "built": engine.built})
    else:
        print(f"pulumi {engine.version} ({'built here' if engine.built else 'installed'}): {engine.folder}")


@app.command()
def path() -> None:
    """The folder of the engine's programs, for scripts."""
    from fleet.workspace.engine_path import engine

    print(engine().folder)


@app.command()
def build() -> None:
    """Build the engine from its Go modules unless one is there: about 6 minutes on 2 cores, once."""
    from fleet.engine import build_engine, installed_engine
    from fleet.workspace.engine_path import CHECKOUT

    installed = installed_engine()
    print(installed.folder if installed else build_engine(CHECKOUT, lambda line: print(line, file=sys.stderr)))


@app.command()
def env(root: Root = None) -> None:
    """Shell lines that make plain ``pulumi`` work on this fleet: eval "$(fleet engine env)"."""
    import os
    import shlex

    from fleet.workspace.engine_path import engine_path

    variables = {**Context(root).workspace.engine_environment(), "PATH": engine_path(os.environ.get("PATH", ""))}
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
