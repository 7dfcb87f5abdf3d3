"""Processes of the lab: found by pid file or command line, ended only when they are what we started."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


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
