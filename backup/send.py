"""A copy off the host: made on the database's disk, then sent, and whole only when its keeper has checked it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from backup.archive import CHECKSUMS, MANIFEST, PARTS
from backup.database import HubDatabase, alone
from backup.problem import CopyProblem
from backup.restore import FETCHED, PLACING
from backup.settings import Settings
from backup.tables import tables_of


def send(settings: Settings, database: HubDatabase) -> dict[str, Any]:
    """Make a copy and bring it to its keeper; returns its name, size in bytes and how long it took.

    Raises:
        CopyProblem: it could not be made or sent; the copies before it are kept.
    """
    began = time.monotonic()
    with alone(settings):
        volume = database.volume()
        if half := [mark.parent.name for mark in volume.glob(f"{FETCHED}/*/{PLACING}")]:
            raise CopyProblem(f"copy {half[0]} is half brought back: go on with fleet db restore --copy {half[0]}")
        database.make_copy()
        copy = volume / "backups" / "last"
        name = describe(copy)
        kept = push(copy, settings.ssh("put", name))
    return {**kept, "host": settings.host, "seconds": round(time.monotonic() - began, 1)}


def describe(copy: Path) -> str:
    """Write the manifest of a copy beside it; returns its name, the moment that it is of."""
    made = (copy / "made").read_text().strip()
    name = made.replace("-", "").replace(":", "")
    document = {"name": name, "made": made, "tables": tables_of(copy / ".checkpoint" / "db")}
    (copy / MANIFEST).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return name


def push(copy: Path, command: list[str]) -> dict[str, Any]:
    """Send a copy to a command that takes it on its standard input; returns what that says of it.

    Raises:
        CopyProblem: what the receiver says of it, or that it could not be read whole.
    """
    # Files longer than what is in them are sent without their zeros; the fastest gzip outruns most lines. The log has a
    # table's symbols as hard links to the table's own files; in a copy each name is a file.
    packed = ["tar", "--create", "--sparse", "--hard-dereference", "--use-compress-program=gzip -1"]
    with subprocess.Popen([*packed, f"--directory={copy}", MANIFEST, CHECKSUMS, *PARTS], stdout=subprocess.PIPE) as tar:
        done = subprocess.run(command, stdin=tar.stdout, capture_output=True, text=True, check=False)
        # Whoever reads no more lets tar end.
        assert tar.stdout is not None
        tar.stdout.close()
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise CopyProblem(said[-1] if said else f"the copy was not taken: exit {done.returncode}")
    if tar.returncode:
        raise CopyProblem(f"the copy on the database's disk could not be read whole: tar ended with {tar.returncode}")
    kept: dict[str, Any] = json.loads(done.stdout)
    return kept
