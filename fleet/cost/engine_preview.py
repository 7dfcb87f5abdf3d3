"""A real preview of a stack by the engine, as the text that it prints for programs."""

from __future__ import annotations

import os
import subprocess

from fleet.cost.plan import Plan, PreviewUnreadable, read_plan
from fleet.workspace import Workspace
from fleet.workspace.salt import share_salt

SECONDS = 600
"""A preview takes some seconds; one that hangs is ended."""


def preview_plan(workspace: Workspace, stack: str) -> Plan:
    """Ask the engine what ``up`` would do. A stack that was never brought up is made in the backend, as ``up`` does.

    Raises:
        PreviewUnreadable: the preview failed; with the engine's own words.
        EngineError: there is no engine.
    """
    environment = {**os.environ, **workspace.engine_environment()}
    common = ["--non-interactive", "--color", "never", "--stack", stack]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, *common],
            cwd=workspace.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    asked = ("preview", "--json", "--show-sames")
    try:
        done = run(*asked)
        if done.returncode and "no stack named" in done.stderr:
            share_salt(workspace.root, stack)
            run("stack", "init")
            done = run(*asked)
    except subprocess.TimeoutExpired:
        raise PreviewUnreadable(f"stack {stack}: the preview did not end within {SECONDS} s") from None
    if done.returncode and not done.stdout.lstrip().startswith("{"):
        raise PreviewUnreadable(f"stack {stack}: the preview failed: {_last_words(done.stderr or done.stdout)}")
    return read_plan(done.stdout, f"stack {stack}")


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return "; ".join(errors or lines[-3:]) or "it said nothing"
