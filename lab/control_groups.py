"""Which version of control groups this machine has, and what a container with systemd inside needs on it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.settings import LabHome

TREE = Path("/sys/fs/cgroup")


def version(tree: Path = TREE) -> int:
    """1 or 2 (unified); a machine with both trees mounted is a version 1 machine."""
    return 2 if (tree / "cgroup.controllers").exists() else 1


def parent(home: LabHome) -> str:
    """The control group below which all containers of a lab are."""
    return f"/fleet-lab-{home.id}" if version() == 1 else f"fleetlab{home.id}.slice"


def host_options(of: int) -> dict[str, Any]:
    """Options of a container that boots systemd, and what its systemd must be told (``command``).

    Version 2 was not run by us; the options are those by which systemd runs in a container there: a control group
    namespace of its own, in which it sees its own part of the tree only.
    """
    if of == 2:
        # Docker mounts the tree read-only; a server may change its own part of it.
        boot = "mount -o remount,rw /sys/fs/cgroup && exec /sbin/init"
        return {"cgroupns": "private", "volumes": {}, "command": ["/bin/sh", "-c", boot]}
    return {
        "cgroupns": "host",
        "volumes": {str(TREE): {"bind": str(TREE), "mode": "rw"}},
        # systemd 256 and later refuse version 1 unless told twice.
        "command": ["/sbin/init", "systemd.unified_cgroup_hierarchy=0", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"],
    }


def remove_leftovers(home: LabHome) -> None:
    """Remove the lab's empty control groups, the innermost first; one that still has a process stays."""
    name = parent(home).strip("/")
    for top in [TREE / name, *TREE.glob(f"*/{name}")]:
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
