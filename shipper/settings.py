"""What a shipper is told: one JSON file, and a file for each password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

STATUS_PORT = 9101
"""Inside the shipper's container."""


class SettingsError(Exception):
    """The configuration file is wrong; the text says what, and what is allowed."""


@dataclass(frozen=True)
class Server:
    """A QuestDB server's HTTP port and its login."""

    address: str
    """host:port"""
    user: str
    password_file: str

    @property
    def password(self) -> str:
        """Read at each new connection: the file may have changed."""
        return Path(self.password_file).read_text().strip()


@dataclass(frozen=True)
class Settings:
    """One replica and its primary."""

    replica: str
    """Name of the replica, the label of every metric."""
    primary: Server
    sink: Server
    """The replica's own HTTP port, which nobody else reaches."""
    state_folder: str
    """Where watermarks are kept; lost, every table is copied anew."""
    listen: str = f"127.0.0.1:{STATUS_PORT}"
    """Where ``/health``, ``/status`` and ``/metrics`` are served."""
    skip: tuple[str, ...] = ("sys.",)
    """Beginnings of names of tables that are not shipped."""
    busy_seconds: float = 0.02
    """Between two looks while rows flow."""
    idle_seconds: float = 0.1
    """Between two looks when none has come for a second."""
    chunk_rows: int = 20_000
    """Rows that are read and written at once, of a table of which nothing else is known."""
    chunk_bytes: int = 3_000_000
    """What is written at once when there is more: two such pieces, read and written, fit the container's memory."""
    heartbeat_seconds: float = 2.0
    """Between two rows of the heartbeat table; 0 writes none."""
    compare_seconds: float = 300.0
    """Between two comparisons of the row counts of both sides."""


def read_settings(path: Path) -> Settings:
    """Read the file.

    Raises:
        SettingsError: it is missing, not JSON, or has an unknown or missing key.
    """
    try:
        document = json.loads(path.read_text())
    except OSError as problem:
        raise SettingsError(f"{path}: {problem.strerror}") from None
    except ValueError as problem:
        raise SettingsError(f"{path}: not JSON: {problem}") from None
    values = _checked(path, document, Settings)
    for side in ("primary", "sink"):
        values[side] = Server(**_checked(path, values[side], Server))
    if "skip" in values:
        values["skip"] = tuple(values["skip"])
    return Settings(**values)


def _checked(path: Path, document: object, kind: type) -> dict[str, Any]:
    known = {entry.name: entry for entry in fields(kind)}
    if not isinstance(document, Mapping):
        raise SettingsError(f"{path}: a mapping of {', '.join(known)} is wanted")
    if unknown := sorted(set(document) - set(known)):
        raise SettingsError(f"{path}: unknown {', '.join(unknown)}; known are {', '.join(known)}")
    needed = {name for name, entry in known.items() if entry.default is MISSING}
    if missing := sorted(needed - set(document)):
        raise SettingsError(f"{path}: {', '.join(missing)} missing")
    return dict(document)
