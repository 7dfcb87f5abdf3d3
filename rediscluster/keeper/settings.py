"""What the keeper of one host is told: the plan, which instances are its own, where it listens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shard:
    """A region's part of the slots, by endpoints (``address:port``)."""

    region: str
    tag_slot: int
    home: str
    spare: str
    """empty where nothing is replicated"""
    ranges: tuple[tuple[int, int], ...]

    def partner(self, endpoint: str) -> str:
        """The other instance of the shard; empty if there is none."""
        return self.spare if endpoint == self.home else self.home


@dataclass(frozen=True)
class Settings:
    """The keeper's file."""

    host: str
    plan: str
    """digest of the plan: hosts that show another one run another release"""
    own: tuple[str, ...]
    shards: tuple[Shard, ...]
    leaving: tuple[str, ...]
    names: dict[str, str]
    """host of each endpoint"""
    user: str
    password: str
    listen: tuple[str, ...]
    port: int
    interval_seconds: float
    timeout_seconds: float

    @property
    def planned(self) -> tuple[str, ...]:
        """Every instance that belongs."""
        spares = [shard.spare for shard in self.shards if shard.spare]
        return (*(shard.home for shard in self.shards), *spares)

    @property
    def everyone(self) -> tuple[str, ...]:
        """Every instance, those that leave included."""
        return tuple(dict.fromkeys((*self.planned, *self.leaving, *self.own)))

    def shard(self, endpoint: str) -> Shard | None:
        """The shard that an instance belongs to."""
        return next((shard for shard in self.shards if endpoint in (shard.home, shard.spare)), None)

    def name(self, endpoint: str) -> str:
        """An instance for people: ``nj:7001``."""
        return f"{self.names.get(endpoint, endpoint.partition(':')[0])}:{endpoint.rpartition(':')[2]}"


def read(path: Path) -> Settings:
    """The settings in a file; the password stands in its own file beside it.

    Raises:
        OSError, ValueError, KeyError, TypeError: not there, or not of this shape.
    """
    document: dict[str, Any] = json.loads(path.read_text())
    password = (path.parent / document.pop("password_file")).read_text().strip()
    shards = tuple(
        Shard(**{**shard, "ranges": tuple((first, last) for first, last in shard["ranges"])})
        for shard in document.pop("shards")
    )
    lists: dict[str, Any] = {name: tuple(document.pop(name)) for name in ("own", "leaving", "listen")}
    return Settings(**document, **lists, shards=shards, password=password)
