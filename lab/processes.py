"""Processes of the lab: found by pid file or command line, ended only when they are what we started."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError


def spawn(argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a process that outlives this one, its output appended to ``log``; returns its pid."""
    program = shutil.which(argv[0])
    if program is None:
        raise LabError(f"{argv[0]} is not installed; `fleet lab up` installs what is missing")
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    # Its own session: a Ctrl-C at this terminal is not meant for it.
    return os.posix_spawn(program, list(argv), {**os.environ, **(environment or {})}, file_actions=actions, setsid=True)


def has_ended(pid: int) -> bool:
    """True if a process that this one spawned is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not command_line(pid)


def command_line(pid: int) -> str:
    """The command line of a living process; empty if there is none (or only what its parent has not collected)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pid_of(pid_file: Path, marker: str) -> int | None:
    """The process in ``pid_file`` if it lives and its command line contains ``marker``."""
    try:
        pid = int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if marker in command_line(pid) else None


def processes_of(programs: tuple[str, ...], marker: str) -> tuple[int, ...]:
    """Living processes of these programs whose command line contains ``marker``."""

    def ours(pid: int) -> bool:
        line = command_line(pid)
        return marker in line and Path(line.split()[0]).name in programs

    return tuple(pid for pid in (int(e.name) for e in Path("/proc").iterdir() if e.name.isdigit()) if ours(pid))


def end(pid: int, marker: str, patience_seconds: float) -> None:
    """Ask a process to end, and end it if it has not after ``patience_seconds``; a pid that is another's is left."""
    for kind, patience in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 5.0)):
        if marker not in command_line(pid):
            return
        try:
            os.kill(pid, kind)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while marker in command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
