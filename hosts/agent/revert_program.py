"""Puts back what stood before a dangerous change. Started by the timer, alone: it imports nothing of ours.

It stands beside its ``plan.json`` in /var/lib/fleet/armed/<handler>/. Whoever renames that folder first decides: this
program to reverting/<handler>, a confirmation by removing it.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from typing import Any


def revert(folder: str) -> list[str]:
    """Restore the files, run the commands, leave a note in reverted/. Safe to run again after an interruption."""
    with open(os.path.join(folder, "plan.json"), encoding="utf-8") as file:
        plan = json.load(file)
    for entry in plan["entries"]:
        _restore(folder, entry)
    refused = []
    for argv in plan["commands"]:
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": plan["path"], "LC_ALL": "C.UTF-8"},
                timeout=60,
                check=False,
            )
            if done.returncode:
                refused.append(argv[0])
        except (OSError, subprocess.TimeoutExpired):
            refused.append(argv[0])
    note = {
        "name": plan["name"],
        "when": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "files": [entry["shown"] for entry in plan["entries"]],
    }
    state = os.path.dirname(os.path.dirname(folder))
    target = os.path.join(state, "reverted", plan["name"] + ".json")
    with open(target + ".tmp", "w", encoding="utf-8") as file:
        json.dump(note, file)
    os.replace(target + ".tmp", target)
    shutil.rmtree(folder, ignore_errors=True)
    return refused


def _restore(folder: str, entry: dict[str, Any]) -> None:
    path = entry["path"]
    if entry["type"] == "absent":
        if os.path.lexists(path):
            os.unlink(path)
        return
    neighbour = os.path.join(os.path.dirname(path), ".fleet-revert." + os.path.basename(path))
    if os.path.lexists(neighbour):
        os.unlink(neighbour)
    if entry["type"] == "link":
        os.symlink(entry["target"], neighbour)
    else:
        descriptor = os.open(neighbour, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file, open(os.path.join(folder, entry["saved"]), "rb") as saved:
            shutil.copyfileobj(saved, file)
            os.fchown(file.fileno(), entry["uid"], entry["gid"])
            os.fchmod(file.fileno(), entry["mode"])
            file.flush()
            os.fsync(file.fileno())
    os.replace(neighbour, path)


def fire(folder: str) -> list[str]:
    """Claim the folder, then revert. Without the claim (it was confirmed meanwhile) nothing happens."""
    state, name = os.path.dirname(os.path.dirname(folder)), os.path.basename(folder)
    claimed = os.path.join(state, "reverting", name)
    try:
        os.rename(folder, claimed)
    except FileNotFoundError:
        return []
    return revert(claimed)


if __name__ == "__main__":
    sys.exit(1 if fire(os.path.dirname(os.path.abspath(__file__))) else 0)
