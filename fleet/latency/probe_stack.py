"""The stack of a probe: brought up, and taken away whatever happens; what a killed run left is found by the next one.

The engine's state knows the server from its first moment, as with every stack. Its files are not among the fleet's:
they live in a folder of their own for as long as the stack does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml
from pulumi import automation

from fleet.operation.fleet_up import run_waves
from fleet.operation.locks import unlock
from fleet.operation.run import Progress, StackRun, up
from fleet.operation.take_down import take_down
from fleet.orphans.engine_words import engine_words
from fleet.workspace import Workspace
from fleet.workspace.engine_path import put_engine_on_path

PREFIX = "probe-"
FOLDER = Path(".fleet") / "probe"
"""Relative to the fleet's folder."""
PROJECT = "Pulumi.yaml"
HELP = "Try again: fleet latency probe --clear. Look at what is left: fleet orphans"


class ProbeRunning(Exception):
    """Another probe of this fleet runs on this machine."""

    exit_code = 3


class ProbeFailed(Exception):
    """The server of a probe did not come up, or did not go away. Its text is complete."""


def stack_name(place: str) -> str:
    return f"{PREFIX}{place}"


@contextmanager
def only_probe(workspace: Workspace) -> Iterator[None]:
    """Be the only probe on this machine: what other probes have left can then be told from one that goes on.

    Raises:
        ProbeRunning: there is another one.
    """
    folder = workspace.root / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProbeRunning("another probe of this fleet runs on this machine: wait for it, or end it") from None
        yield


def standing(workspace: Workspace) -> tuple[str, ...]:
    """Stacks of probes that the backend has.

    Raises:
        ProbeFailed: it cannot be asked.
    """
    put_engine_on_path()
    engine = _engine(workspace, workspace.root)
    try:
        return tuple(stack.name for stack in engine.list_stacks() if stack.name.startswith(PREFIX))
    except automation.CommandError as failure:
        raise ProbeFailed(f"the stacks in {workspace.backend} cannot be listed: {engine_words(failure)}") from None


def made_here(workspace: Workspace) -> tuple[str, ...]:
    """Stacks of probes that were made on this machine: one made elsewhere may be in use there."""
    files = sorted((workspace.root / FOLDER).glob(f"Pulumi.{PREFIX}*.yaml"))
    return tuple(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


def bring_up(workspace: Workspace, name: str, values: Mapping[str, object], progress: Progress) -> StackRun:
    """Rent the server that ``values`` describe.

    Raises:
        ProbeFailed: the engine could not; it may have made a part of it.
    """
    own = _own_workspace(workspace)
    document = {"config": {"fleet:probe": dict(values)}}
    (own.root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    (run,) = run_waves(own, ((name,),), up, progress)
    if not run.ok:
        raise ProbeFailed(f"{name} did not come up: {'; '.join(run.errors)}")
    return run


def take_away(workspace: Workspace, name: str, progress: Progress) -> None:
    """Destroy the server and everything that was declared with it, and forget the stack.

    Raises:
        ProbeFailed: something of it is left, and may cost; says how to go on.
        UnlockRefused: a run of it goes on.
    """
    own = _own_workspace(workspace)
    unlock(own, name)
    engine = _engine(own, own.root)
    try:
        run = take_down(own, name, progress)
        if not run.ok:
            raise ProbeFailed(f"{name} is not taken away, and may go on costing: {'; '.join(run.errors)}. {HELP}")
        engine.remove_stack(name)
    except automation.CommandError as failure:
        raise ProbeFailed(f"stack {name} is not taken away: {engine_words(failure)}. {HELP}") from None
    forget(workspace, name)


def forget(workspace: Workspace, name: str) -> None:
    """Remove the file of a stack that the backend does not have (any more)."""
    (workspace.root / FOLDER / f"Pulumi.{name}.yaml").unlink(missing_ok=True)


def _own_workspace(workspace: Workspace) -> Workspace:
    """The fleet's workspace with the probe's folder for the engine's files; the programs still find the fleet's own."""
    folder = workspace.root / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs = folder / "stacks"
    if not programs.is_symlink():
        programs.symlink_to((workspace.root / "stacks").resolve())
    # The same project: `fleet orphans` and the engine's own commands see the stack among the fleet's.
    (folder / PROJECT).write_text((workspace.root / PROJECT).read_text())
    # Where an interrupted run leaves word (fleet.workspace.stop).
    (folder / ".fleet").mkdir(exist_ok=True)
    return replace(workspace, root=folder, environment={**workspace.environment, "FLEET_ROOT": str(workspace.root)})


def _engine(workspace: Workspace, folder: Path) -> automation.LocalWorkspace:
    environment = {**os.environ, **workspace.engine_environment()}
    return automation.LocalWorkspace(work_dir=str(folder), env_vars=environment)
