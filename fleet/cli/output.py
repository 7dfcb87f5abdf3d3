"""How facts are printed: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

WIDEST = 400
"""Columns of a table that goes into a file or a pipe: wide enough that nothing is wrapped."""


def print_json(facts: Any) -> None:
    """Facts as JSON on standard output."""
    # At once: dump would write every word by itself.
    sys.stdout.write(f"{json.dumps(facts, indent=2, default=str)}\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard output."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDEST).print(table)


def progress(subject: str, line: str) -> None:
    """One line of progress on standard error."""
    print(f"  {subject:<10} {line}", file=sys.stderr, flush=True)
