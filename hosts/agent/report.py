"""The report as it is collected: plain values that become one JSON document."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

DIFF_LINES = 400
"""Longer diffs are cut: a report is for reading."""


@dataclass(frozen=True)
class Change:
    """One difference, with what its kind needs to remove it (``step``, never reported)."""

    kind: str
    name: str
    action: str
    diff: str = ""
    step: Any = None
    notifies: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "action": self.action, "diff": self.diff}


@dataclass(frozen=True)
class Remark:
    """Something skipped or failed, and why."""

    kind: str
    name: str
    reason: str

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "reason": self.reason}


class StageFailed(Exception):
    """A stage could not do its work; later stages do not run."""

    def __init__(self, *failed: Remark) -> None:
        super().__init__(f"{len(failed)} failed")
        self.failed = failed


class Refused(StageFailed):
    """Validators refused files; none of them was changed."""


class AgentError(Exception):
    """The run as a whole is not possible. ``code`` is for the program, the text for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ReleaseFailed(Exception):
    """A release was not promoted. ``code`` names the kind for the client; the texts are for the user."""

    def __init__(self, code: str, message: str, service: str = "", log: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.service = service
        self.log = log
        self.consequence = ""
        """what was kept and what runs now; empty: nothing was touched"""

    def document(self) -> dict[str, str]:
        return {
            "code": self.code,
            "message": str(self),
            "service": self.service,
            "log": self.log,
            "consequence": self.consequence,
        }


@dataclass
class Report:
    """What has been found and done so far."""

    changes: list[Change] = field(default_factory=list)
    skipped: list[Remark] = field(default_factory=list)
    failed: list[Remark] = field(default_factory=list)
    unsettled: list[Change] = field(default_factory=list)
    reverted: list[dict[str, Any]] = field(default_factory=list)
    armed: list[dict[str, Any]] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "changes": [change.document() for change in self.changes],
            "skipped": [remark.document() for remark in self.skipped],
            "failed": [remark.document() for remark in self.failed],
            "unsettled": [change.document() for change in self.unsettled],
            "reverted": self.reverted,
            "armed": self.armed,
            "observed": self.observed,
        }


def text_diff(path: str, before: str, after: str) -> str:
    """Unified diff of two texts, cut at DIFF_LINES."""
    lines = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), f"{path} (host)", f"{path} (wanted)", lineterm="")
    )
    if len(lines) > DIFF_LINES:
        lines = [*lines[:DIFF_LINES], f"... {len(lines) - DIFF_LINES} more lines"]
    return "\n".join(lines)
