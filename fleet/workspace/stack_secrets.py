"""Secrets that a team keeps in Pulumi's own way: encrypted in the stacks' files, under a namespace of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping

from fleet.workspace.workspace import Workspace, WorkspaceError

NAMESPACE = "fleet-secrets"
"""``fleet-secrets:alpaca.nj.api-key`` in ``Pulumi.nj.yaml`` is the secret ``alpaca/nj/api-key``."""
SECONDS = 60.0


def key_of(name: str) -> str:
    """The configuration key of a secret."""
    return f"{NAMESPACE}:{name.replace('/', '.')}"


def stack_of(name: str) -> str:
    """Whose file has a secret: the region's, which is the second part of a credential's name."""
    return name.partition("/")[2].partition("/")[0]


def stack_secrets(workspace: Workspace, stack: str) -> Mapping[str, str]:
    """Everything under the namespace in a stack's file, decrypted by the engine, by configuration key.

    Raises:
        WorkspaceError: the engine cannot read it; has the engine's own words.
    """
    command = ["pulumi", "config", "--show-secrets", "--json", "--stack", stack, "--non-interactive"]
    environment = {**os.environ, **workspace.engine_environment()}
    try:
        done = subprocess.run(
            command,
            cwd=workspace.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WorkspaceError(f"the configuration of stack {stack} was not read within {SECONDS:.0f} s") from None
    if done.returncode:
        raise WorkspaceError(f"the configuration of stack {stack} cannot be read: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    return {key: entry.get("value", "") for key, entry in found.items() if key.startswith(f"{NAMESPACE}:")}
