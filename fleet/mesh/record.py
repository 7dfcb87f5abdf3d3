"""What the hosts have after a rotation becomes what the fleet's files and states say."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from fleet.configuration import load
from fleet.mesh.rotate import RotationStopped
from fleet.model.edit import set_scalar
from fleet.model.fleet import Epoch
from fleet.operation.fleet_up import run_waves
from fleet.operation.run import up
from fleet.workspace import Workspace


def record_epoch(root: Path, epoch: Epoch) -> None:
    """Write an epoch to fleet.yaml, which is replaced as a whole or not at all.

    Raises:
        EditRefused: its mesh section is not of a form that can be edited.
    """
    path = root / "fleet.yaml"
    text = path.read_text()
    text = set_scalar(text, ("mesh", "epoch", "keys"), str(epoch.keys))
    text = set_scalar(text, ("mesh", "epoch", "psk"), str(epoch.psk))
    for name, value in epoch.nodes.items():
        text = set_scalar(text, ("mesh", "epoch", "nodes", name), str(value))
    descriptor, name = tempfile.mkstemp(prefix=".fleet.yaml.", dir=root)
    candidate = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        candidate.chmod(path.stat().st_mode & 0o777)
        candidate.replace(path)
    finally:
        candidate.unlink(missing_ok=True)
    load(root)


def record_in_stacks(
    workspace: Workspace,
    waves: tuple[tuple[str, ...], ...],
    what: str,
    again: str,
    progress: Callable[[str, str], None],
) -> None:
    """Bring the stacks of regions up: each finds its hosts with the new keys.

    Args:
        waves: the regions, each wave after the one before.
        what: what is recorded, for people.
        again: the command that tries once more.

    Raises:
        RotationStopped: a stack could not be brought up; later waves were not begun.
    """
    regions = [region for wave in waves for region in wave]
    progress("mesh", f"recording {what} in the state of {', '.join(regions)}")
    runs = run_waves(workspace, waves, up, progress)
    failed = [f"{run.stack}: {' '.join(run.errors)}" for run in runs if not run.ok]
    if failed:
        raise RotationStopped(
            f"the hosts have the new keys and fleet.yaml the new epoch, but these stacks could not record it: "
            f"{'; '.join(failed)}. Put that right, then run: {again}"
        )
