"""A killed engine leaves its lock: the next run names the dead owner, ``fleet unlock`` takes the lock away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.operation.locks import UnlockRefused, locks_of, unlock
from fleet.operation.run import up
from fleet.workspace import Workspace
from tests.engine.fleet_fixtures import fleet_on_paper

pytestmark = pytest.mark.engine


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return fleet_on_paper(tmp_path / "lab", tmp_path / "project", ("hub", "nj"))


def leave_lock(workspace: Workspace, pid: int, host: str) -> Path:
    """The lock that an engine writes before it changes stack ``addresses``."""
    state = Path(workspace.backend.removeprefix("file://"))
    path = state / ".pulumi" / "locks" / "organization" / "fleet" / "addresses" / "0.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = {"pid": pid, "username": "ann", "hostname": host, "timestamp": "2026-01-02T03:04:05Z"}
    path.write_text(json.dumps(owner))
    return path


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_dead_owner_is_named_and_its_lock_can_be_taken_away(workspace: Workspace) -> None:
    assert up(workspace, "addresses", lambda stack, line: None).errors == ()
    pid = dead_pid()
    path = leave_lock(workspace, pid, socket.gethostname())

    (error,) = up(workspace, "addresses", lambda stack, line: None).errors
    assert f"ann@{socket.gethostname()} (pid {pid}) since 2026-01-02T03:04:05Z, which does not run any more" in error
    assert "fleet unlock addresses" in error

    command = [sys.executable, "-m", "fleet", "unlock", "addresses", "--root", str(workspace.root)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr
    assert f"(pid {pid})" in done.stdout
    assert not path.exists()
    run = up(workspace, "addresses", lambda stack, line: None)
    assert run.ok
    assert run.changed == 0
    assert unlock(workspace, "addresses") == ()


def test_an_owner_on_another_machine_may_be_alive(workspace: Workspace) -> None:
    path = leave_lock(workspace, dead_pid(), "elsewhere.example")
    with pytest.raises(UnlockRefused, match="on another machine"):
        unlock(workspace, "addresses")
    assert path.exists()


def test_a_running_engine_keeps_its_lock(workspace: Workspace, tmp_path: Path) -> None:
    engine = tmp_path / "pulumi"
    engine.symlink_to("/bin/sleep")
    with subprocess.Popen([engine, "60"]) as running:
        leave_lock(workspace, running.pid, socket.gethostname())
        try:
            with pytest.raises(UnlockRefused, match="which is running"):
                unlock(workspace, "addresses")
        finally:
            running.kill()
            running.wait()
    (lock,) = locks_of(workspace, "addresses")
    assert not lock.alive
