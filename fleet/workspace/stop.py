"""One Ctrl-C ends a run soon: how ``fleet`` tells the engine's programs and providers that it was asked to stop.

A signal reaches the engine, which then waits for the operations under way; its programs and providers are in process
groups of their own and hear nothing. So ``fleet`` names a file in their environment, and makes it when it is
interrupted. With plain ``pulumi up`` there is no such file, and the engine waits for the operation's own deadline.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "FLEET_STOP_FILE"


def stop_file(root: Path) -> Path:
    """The file of this process's runs."""
    return root / ".fleet" / f"stop-{os.getpid()}"


def request_stop(root: Path) -> None:
    """Ask everything that runs for this process to end soon."""
    stop_file(root).touch()


def forget_stop(root: Path) -> None:
    """Nobody is asked any more."""
    stop_file(root).unlink(missing_ok=True)


def stop_requested() -> bool:
    """Whether the run that this process belongs to was asked to stop."""
    named = os.environ.get(VARIABLE, "")
    return named != "" and Path(named).exists()
