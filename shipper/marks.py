"""How far each table was shipped, and what cannot be followed: one file, on disk before the call returns."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shipper.facts import Mark

FILE = "marks.json"
REQUESTS = "requests"
"""Folder in which commands leave the names of tables for the process that runs."""
RESYNC, FORGET = "resync", "forget"


class Marks:
    """The file of one shipper. A damaged one counts as missing: every table is then copied anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REQUESTS).mkdir(exist_ok=True)
        document = self._read()
        self._marks = {table: Mark(**mark) for table, mark in document.get("marks", {}).items()}
        self._needs: dict[str, str] = dict(document.get("needs_resync", {}))

    @property
    def needs_resync(self) -> dict[str, str]:
        """The tables that cannot be followed, each with the reason."""
        return dict(self._needs)

    def tables(self) -> tuple[str, ...]:
        """Every table that was shipped."""
        return tuple(self._marks)

    def get(self, table: str) -> Mark | None:
        """How far a table was shipped; None for one that never was."""
        return self._marks.get(table)

    def move(self, table: str, mark: Mark) -> None:
        """A table was shipped up to here, and the replica has acknowledged it."""
        self._marks[table] = mark
        self._needs.pop(table, None)
        self._write()

    def give_up(self, table: str, reason: str) -> None:
        """A table cannot be followed any more."""
        if self._needs.get(table) != reason:
            self._needs[table] = reason
            self._write()

    def forget(self, table: str) -> None:
        """A table that is gone on the primary, and that nobody wants to hear of any more."""
        self._marks.pop(table, None)
        self._needs.pop(table, None)
        self._write()

    def request(self, what: str, table: str) -> None:
        """Ask the process that runs to ``RESYNC`` or ``FORGET`` a table: it alone writes the file of marks."""
        (self._folder / REQUESTS / f"{what}-{table.encode().hex()}").write_text(table)

    def anything_requested(self) -> bool:
        """Whether somebody asked for anything: cheap enough to be asked at each look."""
        return any((self._folder / REQUESTS).iterdir())

    def requested(self, what: str) -> tuple[str, ...]:
        """The tables that somebody asked it for."""
        return tuple(sorted(file.read_text() for file in (self._folder / REQUESTS).glob(f"{what}-*")))

    def answered(self, what: str, table: str) -> None:
        """A request was carried out."""
        (self._folder / REQUESTS / f"{what}-{table.encode().hex()}").unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads((self._folder / FILE).read_text())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _write(self) -> None:
        document = {"marks": {table: vars(mark) for table, mark in self._marks.items()}, "needs_resync": self._needs}
        temporary = self._folder / f"{FILE}.new"
        with temporary.open("w") as file:
            file.write(json.dumps(document))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / FILE)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
