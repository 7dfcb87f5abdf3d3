"""Ctrl-C while a run waits for a host, and while it works on one: it ends soon, and the host is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from fleet.operation.locks import locks_of
from lab import faults
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
SOON_SECONDS = 30


def another_operator(document: dict[str, Any]) -> None:
    document["operators"].setdefault("keys", {})["somebody"] = KEY


def interrupted_at(fleet: StandingFleet, mark: str) -> str:
    """What ``fleet up nj`` says when it gets one SIGINT after it has said ``mark``."""
    command = [sys.executable, "-u", "-m", "fleet", "up", "nj", "--root", str(fleet.stand.root)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if mark in line:
            break
    os.killpg(running.pid, signal.SIGINT)
    try:
        rest, _ = running.communicate(timeout=SOON_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        raise
    assert running.returncode == 130, said + rest
    assert "Traceback" not in said + rest
    return said + rest


def test_while_it_waits_for_a_host_that_does_not_answer(fleet: StandingFleet) -> None:
    kept = (fleet.stand.root / "fleet.yaml").read_text()
    fleet.edit("fleet.yaml", another_operator)
    faults.stop_host(fleet.lab.home, "nj")
    try:
        assert "interrupted" in interrupted_at(fleet, "BaseHost nj")
    finally:
        faults.start_host(fleet.lab.home, "nj")
        (fleet.stand.root / "fleet.yaml").write_text(kept)
    assert locks_of(fleet.stand.workspace, "nj") == ()
    fleet.lab.wait_until_booted("nj")
    assert fleet.up("nj")["nj"].changed == 0


def test_while_it_works_on_a_host(fleet: StandingFleet) -> None:
    kept = (fleet.stand.root / "fleet.yaml").read_text()
    fleet.edit("fleet.yaml", another_operator)
    try:
        interrupted_at(fleet, "BaseHost nj")
    finally:
        (fleet.stand.root / "fleet.yaml").write_text(kept)
    assert locks_of(fleet.stand.workspace, "nj") == ()
    # Whatever it got to: the next run brings the host to what is declared, and finds no leftovers in its way.
    fleet.up("nj")
    assert fleet.up("nj")["nj"].changed == 0
    assert fleet.on("nj", "find", "/var/lib/fleet/tmp", "-type", "f").strip() == ""
    assert "somebody" not in fleet.on("nj", "cat", "/home/deploy/.ssh/authorized_keys")
