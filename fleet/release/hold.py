"""Holding a bundle at an earlier release, and letting go of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fleet.configuration import load
from fleet.configuration.draft import HELD_KEY, stack_file
from fleet.model.bundles import TRADING
from fleet.model.edit import EditRefused, remove_key, set_scalar
from fleet.operation.hosts_of import RunningHost
from fleet.operation.one_trader import refuse_release
from fleet.operation.run import Progress, StackRun, up_alone
from fleet.release.kept import NoSuchRelease
from fleet.workspace import Workspace
from hosts import KnownRelease


class NoWayBack(Exception):
    """A release that cannot be gone back to. ``str`` says why, and what is the way; nothing was changed."""

    exit_code = 3


def hold(workspace: Workspace, host: RunningHost, bundle: str, release: KnownRelease, progress: Progress) -> StackRun:
    """Write into the host's stack file that a bundle is held at a release, and bring that one resource up.

    The file keeps saying so if the run fails: running it again, or ``fleet up``, goes on.

    Raises:
        NoWayBack: another version may have written the data since.
        SecondTrader: the release trades an account that this region does not trade any more.
        EditRefused: the file cannot be edited so; nothing was changed.
    """
    region = host.ref.region
    if release.no_way_back:
        raise NoWayBack(
            f"{'; '.join(release.no_way_back)}: between the two there is no plain way back. Nothing was changed. "
            f"Restore a copy that was made with the versions of release {release.digest}"
        )
    if bundle == TRADING:
        refuse_release(load(workspace.root), region, release.digest, release.files)
    _edit(workspace.root, region, lambda text: set_scalar(text, ("config", HELD_KEY, bundle), release.digest))
    return up_alone(workspace, region, f"BundleRelease::{host.ref.id}-{bundle}", progress)


def let_go(root: Path, region: str, bundle: str) -> None:
    """Take the hold out of the stack file: the next ``up`` deploys the rendered release.

    Raises:
        NoSuchRelease: the bundle is not held.
    """
    try:
        _edit(root, region, lambda text: remove_key(text, ("config", HELD_KEY, bundle)))
    except EditRefused:
        raise NoSuchRelease(f"{region}: {bundle} is not held at an earlier release") from None


def _edit(root: Path, region: str, change: Callable[[str], str]) -> None:
    path = root / stack_file(region)
    before = path.read_text()
    path.write_text(change(before))
    try:
        load(root)
    except Exception:
        path.write_text(before)
        raise
