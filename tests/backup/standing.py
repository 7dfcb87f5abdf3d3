"""A database's folder as QuestDB leaves it under a checkpoint, its keeper, and the hub's programs between the two.

Docker and ssh are not here: the keeper's program runs beside the hub's, and the database is a folder that writes down
what was asked of it. Both are real in tests/lab/test_fleet_backup.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from backup.archive import PARTS
from backup.database import HubDatabase
from backup.restore import restore
from backup.send import send
from backup.settings import Settings

COLUMN = "db/trades~1/2026-01-01T00/px.d"
KEEP, EVERY_SECONDS = 2, 3600


@dataclass(frozen=True)
class LocalSettings(Settings):
    """The keeper's program on this machine."""

    store: str = ""

    def ssh(self, *words: str) -> list[str]:
        return [sys.executable, "-B", "-m", "backup", "store", self.store, *words]


class Hub:
    """The hub's volume and programs, and the keeper's folder."""

    def __init__(self, folder: Path) -> None:
        self.volume = folder / "volume"
        self.kept = folder / "kept"
        self.kept.mkdir()
        self.store = folder / "store.json"
        self.store.write_text(
            json.dumps({"folder": str(self.kept), "keep": KEEP, "every_seconds": EVERY_SECONDS}), encoding="utf-8"
        )
        (folder / "results").mkdir()
        given: dict[str, Any] = {field.name: "" for field in fields(Settings)}
        given |= {"host": "nj", "port": 22, "owner": os.getuid(), "make": (), "query": (), "uncounted": ()}
        self.settings = LocalSettings(**given | {"results": str(folder / "results"), "store": str(self.store)})
        self.database = Database(self)
        self.fill("1.5", rows=1)

    def fill(self, content: str, rows: int, moment: str = "2026-11-23T12:00:00Z") -> None:
        """The database has other content, of which a copy is made at that moment."""
        self.moment = moment
        for path, written in {
            "conf/server.conf": b"",
            COLUMN: content.encode() + bytes(2 << 20),
            "db/trades~1/rows": str(rows).encode(),
            ".checkpoint/db/trades~1/txn_seq/_meta": b"",
            ".checkpoint/db/trades~1/_name": struct.pack("<i", 6) + "trades".encode("utf-16-le"),
            ".checkpoint/db/trades~1/_txn": transaction(rows, 7),
            f"shipped/nj/{content}": b"",
        }.items():
            file = self.volume / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(written)

    def send(self) -> dict[str, Any]:
        return send(self.settings, self.database)

    def restore(self, name: str) -> dict[str, Any]:
        return restore(self.settings, self.database, name)

    def content(self) -> str:
        return (self.volume / COLUMN).read_bytes().rstrip(b"\0").decode()

    def everything(self) -> set[str]:
        """The contents of the column in every place of the volume where somebody would look for it."""
        places = [self.volume, *self.volume.glob("before-restore/*")]
        return {(place / COLUMN).read_bytes().rstrip(b"\0").decode() for place in places if (place / COLUMN).exists()}


def transaction(rows: int, number: int) -> bytes:
    """A table's ``_txn`` as measured on QuestDB 9.3.4: an odd version, its record at the offset that stands at 32."""
    record = struct.pack("<11q", number, rows % 1000, rows - rows % 1000, 0, 0, 0, 0, 0, 0, 0, number)
    return struct.pack("<q", 3) + bytes(24) + struct.pack("<i", 64) + bytes(28) + record


class Database(HubDatabase):
    """What Docker does on the hub, done to the folder."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub.settings)
        self._hub = hub
        self.asked: list[str] = []
        self.runs = True

    def make_copy(self) -> None:
        last = self._hub.volume / "backups" / "last"
        shutil.rmtree(last, ignore_errors=True)
        last.mkdir(parents=True)
        for part in PARTS:
            shutil.copytree(self._hub.volume / part, last / part)
        files = sorted(file for part in PARTS for file in (last / part).rglob("*") if file.is_file())
        lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(last)}\n" for file in files]
        (last / "SHA256SUMS").write_text("".join(lines))
        (last / "made").write_text(f"{self._hub.moment}\n")

    def volume(self) -> Path:
        return self._hub.volume

    def running(self) -> bool:
        return self.runs

    def stop(self) -> None:
        self.asked.append("stop")
        self.runs = False

    def start(self) -> None:
        self.asked.append("start")
        self.runs = True
        (self._hub.volume / "_restore").unlink(missing_ok=True)

    def start_shippers(self) -> None:
        self.asked.append("start shippers")

    def rows(self, table: str) -> int:
        return int((self._hub.volume / f"db/{table}~1/rows").read_text())
