"""What a run on a host found and did. Never holds a secret: sensitive files appear as "content differs"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hosts.document import from_document, to_document


@dataclass(frozen=True)
class Change:
    """One difference between the host and its state: planned, or, in a report of apply, made."""

    kind: str
    """package, user, directory, file, absent, link, sysctl, module, unit, handler or wireguard"""
    name: str
    action: str
    """one of the kind's verbs: create, update, delete, install, enable, start, run, ..."""
    diff: str = ""
    """unified text diff, or a short "from -> to"; empty where there is nothing to show"""


@dataclass(frozen=True)
class Skipped:
    """Something that this host cannot have, with the reason its kernel gave. Not a change, now or later."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """Something that was tried and refused."""

    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class Reverted:
    """A dangerous change that the host took back by itself."""

    name: str
    """the handler's name"""
    when: str
    """UTC, ISO 8601"""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Armed:
    """A dangerous change that is in force and reverts unless it is confirmed in time."""

    name: str
    seconds: float
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The result of one stage on one host."""

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[Failed, ...] = ()
    reverted: tuple[Reverted, ...] = ()
    """reverts that happened since the last apply"""
    unsettled: tuple[Change, ...] = ()
    """apply only: differences that remain after everything was applied"""
    armed: tuple[Armed, ...] = ()
    """apply: dangerous changes that waited for their confirmation; observe, plan: left unconfirmed by an earlier run"""
    observed: Mapping[str, Any] = field(default_factory=dict)
    """facts of the runtime: ``{"wireguard": {"wg0": {"listen_port": .., "peers": [..]}}}``"""

    @property
    def settled(self) -> bool:
        """True when the host is as its state says."""
        return not (self.changes or self.failed or self.unsettled)

    def to_document(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Report:
        """The inverse of ``to_document``.

        Raises:
            ValueError: not a report.
        """
        return from_document(cls, document)
