"""What a stage of a release found and did on its host. Never holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hosts.document import from_document, to_document
from hosts.report import Change


@dataclass(frozen=True)
class ServiceState:
    """A container of the bundle as Docker shows it."""

    service: str
    container: str
    """its id"""
    image: str
    state: str
    """running, exited, created, restarting, paused or dead"""
    health: str = ""
    """starting, healthy or unhealthy; empty where there is no health check"""
    started_at: str = ""
    restarts: int = 0


@dataclass(frozen=True)
class Waiting:
    """A check of the gate that waits for another host, and what it said."""

    name: str
    service: str
    said: str = ""


@dataclass(frozen=True)
class ReleaseReport:
    """The result of one stage on one bundle of one host."""

    bundle: str
    current: str = ""
    """digest of the promoted release; empty if there is none"""
    last_good: str = ""
    """digest of the release to which a red gate goes back"""
    changes: tuple[Change, ...] = ()
    """deploy, roll_back: what was done; observe: what is not as the release says (kinds release, service, file)"""
    services: tuple[ServiceState, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    pulled: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    """digests of releases whose folders were removed"""
    interrupted: str = ""
    """digest of a release whose deploy was cut off before its gate had judged it; found, not made, by this stage"""

    @property
    def settled(self) -> bool:
        """True when nothing differed."""
        return not self.changes

    def to_document(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ReleaseReport:
        """The inverse of ``to_document``.

        Raises:
            ValueError: not a report of a release.
        """
        return from_document(cls, document)


@dataclass(frozen=True)
class KnownRelease:
    """A release that a host keeps."""

    digest: str
    current: bool = False
    last_good: bool = False
    promoted: str = ""
    """when it last passed its gate, UTC, ISO 8601; empty: it never did"""
    images: tuple[str, ...] = ()
    data_versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """contents by path, with references instead of secrets"""
    no_way_back: tuple[str, ...] = ()
    """versions whose data another one may have written since: a roll-back would be refused"""
