"""The lab's own small servers: modules that run inside the lab's network namespace until the lab goes down."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lab import namespace
from lab.errors import LabError
from lab.processes import end, has_ended, pid_of, spawn
from lab.settings import CHECKOUT, REGISTER, LabHome

START_SECONDS = 30.0


def pid_file(home: LabHome, module: str) -> Path:
    """Written by the module itself once it listens."""
    return REGISTER / home.id / f"{module}.pid"


def running(home: LabHome, module: str) -> bool:
    return pid_of(pid_file(home, module), _marker(home, module)) is not None


def _marker(home: LabHome, module: str) -> str:
    return f"-m {module} {home.path}"


def start(home: LabHome, module: str) -> None:
    """Start a module unless it runs; returns when it listens.

    Raises:
        LabError: it does not get that far.
    """
    if running(home, module):
        return
    file = pid_file(home, module)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    log = home.path / f"{module}.log"
    log.unlink(missing_ok=True)
    argv = [*namespace.inside(home), sys.executable, "-m", module, str(home.path)]
    pid = spawn(argv, log, {"PYTHONPATH": str(CHECKOUT)})
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if has_ended(pid) or time.monotonic() > deadline:
            end_of_log = log.read_text().strip().splitlines()[-1:]
            raise LabError(f"the lab's server {module} does not start: {' '.join(end_of_log)}")
        time.sleep(0.02)


def stop(home: LabHome, module: str) -> None:
    """End a module if it runs."""
    pid = pid_of(pid_file(home, module), _marker(home, module))
    if pid is not None:
        end(pid, _marker(home, module), patience_seconds=2.0)
    pid_file(home, module).unlink(missing_ok=True)
    (home.path / f"{module}.log").unlink(missing_ok=True)
