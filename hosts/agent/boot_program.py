"""Brings every bundle of this host up from what is on its disk: run at boot, by ``fleet-bundles.service``.

Needed beside Docker's restart policies, since these do not retry a container whose port's address was not there when
Docker started. Uses no network: images are here already. A file of its own on the host, standard library only.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable

FOLDER = "/opt/fleet"
LOCKS = "/run/fleet"
COMPOSE_FILE, MOUNTS_FILE, MARKER_FILE = "compose.yaml", "mounts.json", "deploying.json"
COMPOSE_COMMANDS = (("docker", "compose"), ("docker-compose",))
"""The plugin, or the program of the same version: Debian 13's package ``docker-compose`` (2.26) has both."""

UP_SECONDS = 600.0


def main(folder: str = FOLDER, locks: str = LOCKS, say: Callable[[str], None] = print) -> int:
    """Bring all bundles up, side by side; 0 if all could be, else 1."""
    compose = next((command for command in COMPOSE_COMMANDS if _works(command)), None)
    if compose is None:
        say("neither `docker compose` nor `docker-compose` works here")
        return 1
    os.makedirs(locks, mode=0o755, exist_ok=True)
    runs = []
    good = True
    for bundle in sorted(os.listdir(folder)):
        arguments, reason = plan(os.path.join(folder, bundle))
        if not arguments:
            say(f"{bundle}: {reason}")
            continue
        lock = os.open(os.path.join(locks, f"lock-{bundle}"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{bundle}: left alone, a deploy is at work")
            os.close(lock)
            continue
        # The lock's descriptor goes along: it is held until this bundle is up.
        argv = [*compose, "--project-name", f"fleet-{bundle}", *arguments]
        runs.append((bundle, lock, subprocess.Popen(argv, pass_fds=(lock,))))
    for bundle, lock, run in runs:
        good = _ended(bundle, lock, run, say) and good
    return 0 if good else 1


def plan(bundle: str) -> tuple[list[str], str]:
    """Compose's arguments for the bundle in this folder; none, and why, where nothing is to be started."""
    current = os.path.realpath(os.path.join(bundle, "current"))
    if not os.path.isfile(os.path.join(current, MOUNTS_FILE)):
        return [], "no release was promoted"
    files = [part for name in (COMPOSE_FILE, MOUNTS_FILE) for part in ("--file", os.path.join(current, name))]
    up = ["up", "--detach", "--no-build", "--pull", "never"]
    try:
        with open(os.path.join(bundle, MARKER_FILE), encoding="utf-8") as file:
            marker = json.load(file)
    except (OSError, ValueError):
        return [*files, *up, "--no-recreate"], ""
    if marker.get("data_changed"):
        # The release before has an older version of a database, which must not open what a newer one has written.
        return [], f"left alone: the deploy of {marker.get('digest')} was not finished, and it changes data for good"
    # A deploy was cut off: whatever containers there are, the promoted release is what shall run.
    return [*files, *up, "--remove-orphans"], ""


def _works(command: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _ended(bundle: str, lock: int, run: subprocess.Popen[bytes], say: Callable[[str], None]) -> bool:
    try:
        status = run.wait(UP_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        status = run.wait()
    os.close(lock)
    say(f"{bundle}: up" if status == 0 else f"{bundle}: not up, compose ended with {status}")
    return status == 0


if __name__ == "__main__":
    sys.exit(main())
