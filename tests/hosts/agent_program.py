"""Runs the host program the way a host does - text on stdin - but in a process of this machine or of a namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hosts import HostEnvironment, HostState, Report
from hosts.run import LOADER, program_stdin
from hosts.state import UNITS_ORDER


def run_program(mode: str, state: HostState, environment: HostEnvironment, *prefix: str) -> tuple[Report, str]:
    """One stage; returns its report and outcome. ``prefix`` is a command to run it under, e.g. ip netns exec NAME."""
    payload: dict[str, Any] = {
        "mode": mode,
        "root": environment.root,
        "path": environment.path,
        "state": asdict(state),
        "units_order": UNITS_ORDER,
        "who": "test",
        "run": "test",
        "lock_wait_seconds": 0,
    }
    done = subprocess.run(
        [*prefix, sys.executable, "-I", "-B", "-c", LOADER],
        input=program_stdin(payload),
        capture_output=True,
        check=True,
        cwd=Path("/"),
    )
    document = json.loads(done.stdout)
    assert "error" not in document, document
    outcome = document.pop("outcome")
    return Report.from_document(document), outcome
