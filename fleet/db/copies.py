"""Copies of the market database off the hub, as an operator asks for them: make one, list them, bring one back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backup.__main__ import RESTORED, SENT
from fleet.db.problem import DatabaseProblem
from hosts import Connection
from infra.backup import PROGRAMS, RESULTS, SEND_UNIT, STORE_SETTINGS, restore_unit

COPY_SECONDS = 6 * 3600.0
"""For a large database over a slow line, there or back. What was begun goes on without us."""
LATE = 2
"""A copy is late when the newest is as old as so many of them should take."""
NAME_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Copy:
    """A copy that its keeper has checked."""

    name: str
    bytes: int

    @property
    def made(self) -> datetime:
        """The moment that it is of."""
        return datetime.strptime(self.name, NAME_FORMAT).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """A copy that was made now."""

    name: str
    bytes: int
    host: str
    """Where it is."""
    seconds: float


@dataclass(frozen=True)
class Restored:
    """A copy that was brought back."""

    name: str
    tables: Mapping[str, int]
    """Rows that can be read, by table."""
    aside: str
    """Folder on the hub with what was there before."""


@dataclass(frozen=True)
class CopiesStatus:
    """How much the loss of the hub's disk would cost at this moment."""

    host: str
    rpo_hours: int
    """What the schedule promises: at most so much is lost, and the time that a copy takes."""
    keep: int
    newest: str | None
    age_hours: float | None
    copies: int
    late: bool
    problem: str | None = None
    """Why the keeper could not be asked."""


def status_of(host: str, rpo_hours: int, keep: int, copies: Sequence[Copy], now: datetime) -> CopiesStatus:
    """How fresh the copies are."""
    if not copies:
        return CopiesStatus(host, rpo_hours, keep, None, None, 0, late=True)
    newest = max(copies, key=lambda copy: copy.made)
    age = (now - newest.made).total_seconds() / 3600
    return CopiesStatus(host, rpo_hours, keep, newest.name, round(age, 2), len(copies), late=age > LATE * rpo_hours)


def unknown_status(host: str, rpo_hours: int, keep: int, problem: str) -> CopiesStatus:
    """What can be said when the keeper does not answer: not that there is a fresh copy."""
    return CopiesStatus(host, rpo_hours, keep, None, None, 0, late=True, problem=problem)


def copies_on(connection: Connection) -> tuple[Copy, ...]:
    """What a keeper has, the newest first.

    Raises:
        DatabaseProblem: it cannot say.
    """
    command = ("env", f"PYTHONPATH={PROGRAMS}", "python3", "-B", "-m", "backup", "store", STORE_SETTINGS, "list")
    done = connection.run(connection.target.as_root(*command))
    if done.exit_status != 0:
        raise DatabaseProblem(
            f"{connection.target.name}: {_last_line(done.stderr or done.stdout, 'no list of copies')}"
        )
    return tuple(Copy(found["name"], found["bytes"]) for found in json.loads(done.stdout))


def send(connection: Connection) -> Sent:
    """Have the hub make a copy now, and wait until its keeper has checked it.

    Raises:
        DatabaseProblem: why there is none; those before it are kept.
    """
    return Sent(**_run_unit(connection, SEND_UNIT, SENT))


def restore(connection: Connection, name: str) -> Restored:
    """Have the hub bring a copy back. Killed half-way, the same call goes on.

    Raises:
        DatabaseProblem: where it stopped.
    """
    return Restored(**_run_unit(connection, restore_unit(name), RESTORED))


def _run_unit(connection: Connection, unit: str, result: str) -> dict[str, Any]:
    """Start a unit of the hub, wait for its end and read what came of it: it goes on when the connection breaks."""
    target = connection.target
    # What an earlier run left is no result of this one, which may not even begin.
    connection.run(target.as_root("rm", "-f", f"{RESULTS}/{result}"))
    done = connection.run(target.as_root("systemctl", "start", unit), timeout_seconds=COPY_SECONDS)
    read = connection.run(target.as_root("cat", f"{RESULTS}/{result}"))
    outcome: dict[str, Any] = json.loads(read.stdout) if read.exit_status == 0 else {}
    if done.exit_status != 0 or not outcome or "error" in outcome:
        said = _last_line(done.stderr, f"{unit} left no result")
        raise DatabaseProblem(f"{target.name}: {outcome.get('error', said)}")
    return outcome


def _last_line(said: bytes, otherwise: str) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else otherwise
