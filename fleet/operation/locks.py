"""Who holds a stack: the owners of its locks, whether they live, and taking away the locks of dead ones."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from fleet.operation.initialise import FILE_SCHEME
from fleet.workspace import Workspace


class UnlockRefused(Exception):
    """The lock may belong to a run that is going on. ``str`` says which, and what to do."""

    exit_code = 3


@dataclass(frozen=True)
class Lock:
    """One lock of a stack, as the engine wrote it."""

    path: Path
    stack: str
    pid: int
    user: str
    host: str
    since: str

    @property
    def here(self) -> bool:
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """True also when it cannot be known: the owner ran on another machine."""
        return not self.here or _engine_runs(self.pid)

    def __str__(self) -> str:
        owner = f"{self.user}@{self.host} (pid {self.pid}) since {self.since}"
        if not self.here:
            return f"stack {self.stack} is locked by {owner}, on another machine: wait for that run, or ask there"
        if self.alive:
            return f"stack {self.stack} is locked by {owner}, which is running: wait for it"
        return (
            f"stack {self.stack} is locked by {owner}, which does not run any more. "
            f"Take its lock away with: fleet unlock {self.stack} - and look at fleet orphans for what it left"
        )


def locks_of(workspace: Workspace, stack: str) -> tuple[Lock, ...]:
    """The locks of a stack. Only a backend of files shows them: elsewhere there are none to be seen."""
    found = (_read(path, stack) for path in _lock_files(workspace, f"{stack}/*.json"))
    return tuple(lock for lock in found if lock is not None)


def locked_stacks(workspace: Workspace) -> tuple[str, ...]:
    """The stacks that have a lock, in a backend of files; empty for other backends."""
    return tuple(sorted({path.parent.name for path in _lock_files(workspace, "*.json")}))


def _lock_files(workspace: Workspace, pattern: str) -> list[Path]:
    if not workspace.backend.startswith(FILE_SCHEME):
        return []
    folder = Path(workspace.backend.removeprefix(FILE_SCHEME)) / ".pulumi" / "locks"
    return sorted(folder.rglob(pattern))


def unlock(workspace: Workspace, stack: str) -> tuple[Lock, ...]:
    """Take away the locks of owners that do not run any more; returns them (none: the stack was not locked).

    Exactly the locks that were judged go: one that another run takes meanwhile stays.

    Raises:
        UnlockRefused: an owner runs, or ran on another machine, or the backend does not show its locks.
    """
    if not workspace.backend.startswith(FILE_SCHEME):
        raise UnlockRefused(
            f"{workspace.backend} does not show who holds stack {stack}. When its owner, named by the failed run, is "
            f"surely gone: pulumi cancel --stack {stack}"
        )
    locks = locks_of(workspace, stack)
    if held := [lock for lock in locks if lock.alive]:
        raise UnlockRefused("; ".join(map(str, held)))
    for lock in locks:
        lock.path.unlink(missing_ok=True)
    return locks


def _read(path: Path, stack: str) -> Lock | None:
    try:
        owner = json.loads(path.read_text())
        return Lock(
            path, stack, int(owner["pid"]), str(owner["username"]), str(owner["hostname"]), str(owner["timestamp"])
        )
    except FileNotFoundError:
        return None  # given back while we looked
    except (ValueError, KeyError, TypeError):
        raise UnlockRefused(f"{path} is no lock of the engine that can be read: look at it and remove it") from None


def _engine_runs(pid: int) -> bool:
    """Whether a process of this number runs and is an engine: numbers are given out again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return not Path("/proc/self/stat").exists()  # no /proc: what the signal said stands
    return name.startswith("pulumi") and rest.split()[0] not in "ZX"
