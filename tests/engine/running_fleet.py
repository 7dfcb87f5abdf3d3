"""``fleet up`` as a process of its own that a test stops at a certain point: in the middle of a call to a cloud."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.cloud.faults import Fault, add_fault, clear_faults


def processes_of_session(session: int) -> dict[int, str]:
    """Every living process of a session and its name."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if int(rest.split()[3]) == session and rest.split()[0] not in "ZX":
            found[int(folder.name)] = name
    return found


@contextmanager
def running_up(root: Path, home: Path, stack: str, fault: Fault, mark: str) -> Iterator[subprocess.Popen[str]]:
    """``fleet up STACK`` of the fleet at ``root`` that has just said ``mark``, as it does when the fault meets it.

    At the end the fault is repaired and nothing of the run lives any more.
    """
    add_fault(home, fault)
    command = [sys.executable, "-u", "-m", "fleet", "up", stack, "--root", str(root)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        read_until(running, mark)
        yield running
    finally:
        for pid in processes_of_session(running.pid):
            os.kill(pid, signal.SIGKILL)
        running.communicate()
        clear_faults(home)


def read_until(running: subprocess.Popen[str], mark: str) -> str:
    """What it says up to the line with ``mark``."""
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if mark in line:
            return said
    raise AssertionError(f"it ended without a word of '{mark}':\n{said}")
