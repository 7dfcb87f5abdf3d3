"""``fleet up`` that is ended in the middle of a create: by Ctrl-C, by a second one, and by SIGKILL of the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.operation.locks import locks_of
from fleet.workspace import Workspace
from lab.cloud.faults import Fault
from tests.engine.fleet_fixtures import fleet_on_paper
from tests.engine.running_fleet import processes_of_session, read_until, running_up

pytestmark = pytest.mark.engine

REFUSED_FOR_ITS_RATE = Fault("http", "vultr", "create", None, 429, 500)
"""Again and again: the run is in the middle of a create."""
HELD_BACK = Fault("held_reply", "vultr", "create", "ReservedIp")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return fleet_on_paper(tmp_path / "lab", tmp_path / "project", ("hub", "nj"))


def fleet(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    """A command of ``fleet``: its exit code and everything that it said."""
    command = [sys.executable, "-m", "fleet", *arguments, "--root", str(workspace.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_one_interrupt_ends_it_and_leaves_no_lock(workspace: Workspace, tmp_path: Path) -> None:
    with running_up(workspace.root, tmp_path / "lab", "addresses", REFUSED_FOR_ITS_RATE, "rate limited") as running:
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=30)
        assert running.returncode == 130, said
        assert "interrupted" in said
        assert "Traceback" not in said
        assert locks_of(workspace, "addresses") == ()


def test_a_second_interrupt_does_not_wait_for_the_create(workspace: Workspace, tmp_path: Path) -> None:
    with running_up(workspace.root, tmp_path / "lab", "addresses", HELD_BACK, "held back") as running:
        os.killpg(running.pid, signal.SIGINT)
        read_until(running, "interrupted: waiting for what is under way")
        # The answer is still held back: the run would wait for it as long as that lasts.
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=30)
        assert running.returncode == 130, said
        assert "Traceback" not in said
        assert "pulumi" not in processes_of_session(running.pid).values()

    # The engine gave its lock back even so. The address that it made, and that nobody told it of, is not forgotten.
    assert locks_of(workspace, "addresses") == ()
    code, said = fleet(workspace, "up", "addresses")
    assert code == 0, said
    assert "pending operations" in said
    assert "interrupted: addresses: creating ReservedIp nj" in said


def test_a_killed_run_is_named_and_unlocked(workspace: Workspace, tmp_path: Path) -> None:
    with running_up(workspace.root, tmp_path / "lab", "addresses", REFUSED_FOR_ITS_RATE, "rate limited") as running:
        (lock,) = locks_of(workspace, "addresses")
        assert processes_of_session(running.pid)[lock.pid].startswith("pulumi")
        assert lock.alive
        os.kill(lock.pid, signal.SIGKILL)
        said, _ = running.communicate(timeout=60)
        assert running.returncode == 1
        assert "the engine was ended from outside, by signal 9" in said
        assert "Error in event stream" not in said
    dead = f"(pid {lock.pid}) since {lock.since}, which does not run any more"
    assert dead in said

    code, said = fleet(workspace, "up", "addresses")
    assert code == 1
    assert dead in said
    assert "fleet unlock addresses" in said

    code, said = fleet(workspace, "unlock", "addresses")
    assert (code, f"(pid {lock.pid})" in said) == (0, True)
    code, said = fleet(workspace, "up", "addresses")
    assert code == 0, said
    assert "pending operations" in said
