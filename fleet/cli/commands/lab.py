"""``fleet lab``: the cloud in a box; the same command line as ``python -m lab``."""

from __future__ import annotations

import sys

import typer


def lab(context: typer.Context) -> None:
    """The cloud in a box: up, down, status, ssh HOST, env, fault ... (the same as: python -m lab)."""
    from lab.__main__ import main

    sys.exit(main(context.args or ["--help"]))
