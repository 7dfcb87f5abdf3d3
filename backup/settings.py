"""What the hub's program is told, by a file that the fleet writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Where the database is, and how the host that keeps the copies is reached."""

    host: str
    """The keeper's id in the fleet."""
    address: str
    user: str
    port: int
    key_file: str
    known_hosts_file: str
    project: str
    """The Compose project of the database and its shippers."""
    container: str
    """The database's own."""
    volume: str
    owner: int
    """Who the database runs as."""
    make: tuple[str, ...]
    """The command in the container that makes a copy on its own disk."""
    query: tuple[str, ...]
    """The command in the container that runs the one statement that follows it."""
    uncounted: tuple[str, ...]
    """Tables that are written and shortened all the time by the fleet itself."""
    results: str
    """Folder for the outcome of the last run of each kind."""

    def ssh(self, *words: str) -> list[str]:
        """The command that asks the keeper for something."""
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=yes",
            f"HostKeyAlias={self.host}",
            f"UserKnownHostsFile={self.known_hosts_file}",
            "GlobalKnownHostsFile=none",
            "ConnectTimeout=20",
            "ServerAliveInterval=15",
        )
        named = [word for option in options for word in ("-o", option)]
        where = ["-i", self.key_file, "-p", str(self.port), f"{self.user}@{self.address}"]
        return ["ssh", "-F", "none", *named, *where, *words]


def read_settings(file: Path) -> Settings:
    """The settings in a file that ``infra.backup`` rendered."""
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    listed = ("make", "query", "uncounted")
    return Settings(**document | {key: tuple(document[key]) for key in listed})
