"""A region's stack that has nothing to change, against a bare Pulumi program with as many plain resources.

Both run by the same engine, with the same backend and the same provider plugin, and do their own start, imports,
configuration and comparison with the state. Ours has dynamic resources, for which the engine starts another Python, and
reads another stack's outputs. So there are two bare programs: one with resources of the server's provider
alone, and one with as many dynamic resources of a provider that does nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.comparison import Comparison, in_turns
from fleet.rehearsal.stand import Stand

STACK = "nj"
ROUNDS = 5
WANTED = 1.5

PROGRAM = Path(__file__).parent / "peers" / "bare_program.py"
ACTIONS = {
    "preview": ("preview",),
    "up": ("up", "--yes", "--skip-preview"),
}
"""``up`` as ``fleet up`` runs it: what it would change, it says while it does it."""


class EngineFailed(Exception):
    """A run of the engine failed or changed something; the text is the end of what it said."""


def compare(stand: Stand) -> Iterator[Comparison]:
    """No-op preview and up, in the standing lab."""
    environment = {**os.environ, **stand.workspace.engine_environment()}
    state = json.loads(_pulumi(stand.root, environment, "stack", "export", "--stack", STACK))
    entries = [entry for entry in state["deployment"]["resources"] if _counts(entry)]
    resources, dynamic = len(entries), sum(entry["type"].startswith("pulumi-python:") for entry in entries)
    for alike, kind in ((0, "plain ones"), (dynamic, f"as many, {dynamic} of them dynamic")):
        with _bare_project(stand, environment, resources - alike, alike) as bare:
            for name, action in ACTIONS.items():
                ours = partial(_seconds, stand.root, environment, (*action, "--stack", STACK))
                peer = partial(_seconds, bare, environment, (*action, "--stack", "bare"))
                ours()
                peer()
                yield Comparison(
                    f"no-op {name} of a region's stack ({resources} resources)",
                    f"a bare program with {kind}",
                    WANTED,
                    in_turns(ROUNDS, ours, peer),
                )


def _counts(entry: dict[str, str]) -> bool:
    return not entry["type"].startswith(("pulumi:pulumi:Stack", "pulumi:providers:"))


@contextmanager
def _bare_project(stand: Stand, environment: dict[str, str], resources: int, dynamic: int) -> Iterator[Path]:
    folder = stand.lab.home.path / "bench" / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(PROGRAM, folder / "__main__.py")
    (folder / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
    run = partial(_pulumi, folder, environment)
    run("stack", "init", "bare")
    try:
        for key, value in (("resources", resources), ("dynamic", dynamic)):
            run("config", "set", key, str(value), "--stack", "bare")
        run("up", "--yes", "--skip-preview", "--stack", "bare")
        yield folder
    finally:
        run("destroy", "--yes", "--skip-preview", "--remove", "--stack", "bare")
        shutil.rmtree(folder)


def _seconds(folder: Path, environment: dict[str, str], action: Sequence[str]) -> float:
    started = time.perf_counter()
    said = _pulumi(folder, environment, *action)
    seconds = time.perf_counter() - started
    if "unchanged" not in said or " to update" in said or " updated" in said:
        raise EngineFailed(f"{' '.join(action)} was to change nothing: {said[-1000:]}")
    return seconds


def _pulumi(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise EngineFailed(f"{' '.join(command)}: {(done.stdout + done.stderr)[-1500:]}")
    return done.stdout
