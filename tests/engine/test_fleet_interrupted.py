"""``fleet up`` that is ended in the middle of a create: by Ctrl-C, and by SIGKILL of the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.operation.locks import locks_of, unlock
from fleet.operation.run import up
from fleet.workspace import Workspace
from lab.cloud.faults import Fault, add_fault, clear_faults
from tests.engine.fleet_fixtures import fleet_on_paper

pytestmark = pytest.mark.engine


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return fleet_on_paper(tmp_path / "lab", tmp_path / "project", ("hub", "nj"))


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
def bringing_up(workspace: Workspace, home: Path) -> Iterator[subprocess.Popen[str]]:
    """``fleet up addresses`` while a create is refused for its rate again and again: it is in the middle of it."""
    add_fault(home, Fault("http", "vultr", "create", None, 429, 500))
    command = [sys.executable, "-u", "-m", "fleet", "up", "addresses", "--root", str(workspace.root)]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        assert running.stdout is not None
        said = []
        for line in running.stdout:
            said.append(line)
            if "rate limited" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield running
    finally:
        for pid in processes_of_session(running.pid):
            os.kill(pid, signal.SIGKILL)
        running.communicate()
        clear_faults(home)


def test_one_interrupt_ends_it_and_leaves_no_lock(workspace: Workspace, tmp_path: Path) -> None:
    with bringing_up(workspace, tmp_path / "lab") as running:
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate(timeout=30)
        assert running.returncode == 130, said
        assert "interrupted" in said
        assert "Traceback" not in said
        assert locks_of(workspace, "addresses") == ()


def test_a_killed_engine_is_named_and_unlocked(workspace: Workspace, tmp_path: Path) -> None:
    with bringing_up(workspace, tmp_path / "lab") as running:
        (lock,) = locks_of(workspace, "addresses")
        assert processes_of_session(running.pid)[lock.pid].startswith("pulumi")
        assert lock.alive
        os.kill(lock.pid, signal.SIGKILL)
        running.communicate(timeout=60)
    (error,) = up(workspace, "addresses", lambda stack, line: None).errors
    assert f"(pid {lock.pid})" in error
    assert "does not run any more" in error
    assert unlock(workspace, "addresses") == (lock,)
    run = up(workspace, "addresses", lambda stack, line: None)
    assert run.errors == ()
    assert any("pending operations" in warning for warning in run.warnings), run.warnings
