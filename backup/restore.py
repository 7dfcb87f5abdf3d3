"""A copy back into the database. What was there is put aside and never deleted.

Killed anywhere and run again, it goes on or starts over without losing anything.

Replicas are never trusted afterwards: rows that the primary lost are on them, and its log counts on with the same
numbers. The shippers' marks are put aside too, so that each one finds a primary that it never saw and copies every
table anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from backup.archive import MANIFEST, PARTS, unpack
from backup.database import HubDatabase, alone
from backup.problem import CopyProblem
from backup.settings import Settings

MARKS = "shipped"
"""The shippers' folder in the volume."""
TRIGGER = "_restore"
"""QuestDB opens a copy of a checkpoint with it and then removes it."""
FETCHED, ASIDE = "restore", "before-restore"
PLACING, PLACED = "placing", "placed"
"""Marks of how far a restore came, in the folder of the fetched copy."""


def restore(settings: Settings, database: HubDatabase, name: str) -> dict[str, Any]:
    """Bring a copy back; returns its tables' rows and where the data before it lies.

    Raises:
        CopyProblem: where it stopped; what was put aside, and that the same command goes on.
    """
    with alone(settings):
        volume = database.volume()
        fetched = volume / FETCHED / name
        if (fetched / PLACING).exists() and not (fetched / PLACED).exists() and database.running():
            # Somebody started the database on half a copy, a reboot perhaps: it is put aside, too.
            shutil.rmtree(fetched)
        if not (fetched / MANIFEST).exists():
            fetch(settings.ssh("get", name), fetched, settings.owner)
        if not (fetched / PLACED).exists():
            database.stop()
            place(volume, fetched, settings.owner)
        database.start()
        aside = (fetched / PLACING).read_text()
        tables = json.loads((fetched / MANIFEST).read_text(encoding="utf-8"))["tables"]
        counted = {table: database.rows(table) for table in tables if table not in settings.uncounted}
        if short := [table for table, rows in counted.items() if rows < tables[table]["rows"]]:
            raise CopyProblem(
                f"fewer rows than the copy has: {', '.join(short)}. The shippers stay stopped, so no replica is "
                f"touched; the data before lies in {volume / aside}. Take another copy: fleet db restore --copy NAME"
            )
        database.start_shippers()
        shutil.rmtree(fetched)
        return {"name": name, "tables": counted, "aside": str(volume / aside)}


def fetch(command: list[str], into: Path, owner: int) -> None:
    """Get a copy from a command that prints it; it is at ``into`` only when all of it is there and right.

    Raises:
        CopyProblem: it is damaged or did not arrive.
    """
    # What an earlier one left: every copy is still where it came from.
    shutil.rmtree(into.parent, ignore_errors=True)
    part = into.with_suffix(".part")
    part.mkdir(parents=True)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sent:
        assert sent.stdout is not None
        assert sent.stderr is not None
        try:
            manifest = unpack(sent.stdout, part, owner)  # type: ignore[arg-type]
        except CopyProblem as problem:
            sent.stdout.close()
            said = sent.stderr.read().decode(errors="replace").strip().splitlines()
            raise CopyProblem(said[-1] if said else str(problem)) from None
    (part / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    # Thousands of files: one call for all of them.
    os.sync()
    part.rename(into)
    _sync(into.parent)


def place(volume: Path, fetched: Path, owner: int) -> None:
    """Put a fetched copy where the database looks, and what is there aside, by renaming alone."""
    mark = fetched / PLACING
    if not mark.exists():
        new = _free(volume, fetched.name)
        (volume / new).mkdir(parents=True)
        mark.write_text(str(new))
        _sync(fetched)
    aside = volume / mark.read_text()
    for part in PARTS:
        # A part that is gone from the copy was placed before this run was killed.
        if (fetched / part).exists():
            _put_aside(volume / part, aside)
            (fetched / part).rename(volume / part)
    _put_aside(volume / MARKS, aside)
    (volume / TRIGGER).touch()
    os.chown(volume / TRIGGER, owner, owner)
    _sync(volume)
    (fetched / PLACED).touch()
    _sync(fetched)


def _put_aside(there: Path, aside: Path) -> None:
    if there.exists() and not (aside / there.name).exists():
        there.rename(aside / there.name)


def _free(volume: Path, name: str) -> Path:
    number = 1
    while (volume / ASIDE / f"{name}-{number}").exists():
        number += 1
    return Path(ASIDE) / f"{name}-{number}"


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
