"""Running programs on a lab's servers from outside, past ssh and every firewall: how the lab and its tests look in."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.daemon import Daemon
from lab.errors import LabError
from lab.settings import LabHome
from lab.state import Machine

BOOT_SECONDS = 180.0
ENVIRONMENT = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""Of every program that is run on a server."""


@dataclass(frozen=True)
class Result:
    """What a program on a server gave back."""

    code: int
    stdout: str
    stderr: str


def execute(home: LabHome, machine: Machine, argv: Sequence[str]) -> Result:
    """Run a program as root on a server, with the server's own capabilities and nothing on standard input.

    It enters the server's namespaces by itself: through ``docker exec`` it would take five times as long, and under
    load the output of short commands was lost there (exit status 0).

    Raises:
        LabError: the server is off or does not exist.
    """
    first = _first_process(home, machine)
    keep = _bounding_set(machine, first)
    command = ["nsenter", "--target", str(first), "--all", "--", "setpriv", f"--bounding-set={keep}", "--", *argv]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, check=False)
    if done.returncode and not Path(f"/proc/{first}").exists():
        raise LabError(f"nothing runs on the server {machine.name}: it stopped meanwhile")
    return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def _first_process(home: LabHome, machine: Machine) -> int:
    import docker

    client = Daemon(home).client()
    try:
        state = client.containers.get(machine.container).attrs["State"]
    except docker.errors.DockerException as error:
        raise LabError(f"nothing runs on the server {machine.name}: {error}") from None
    finally:
        client.close()
    if not state["Running"]:
        raise LabError(f"nothing runs on the server {machine.name}: it is off")
    return int(state["Pid"])


def _bounding_set(machine: Machine, process: int) -> str:
    """The capabilities that a server has, as setpriv wants them: by number, since its names may be older."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        raise LabError(f"nothing runs on the server {machine.name}: it stopped meanwhile") from None
    held = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return ",".join(("-all", *(f"+cap_{number}" for number in range(last + 1) if held >> number & 1)))


def wait_until_booted(home: LabHome, machine: Machine) -> None:
    """Wait until a server's first boot has done everything its user data asks for.

    Raises:
        LabError: it failed or takes too long; the message has cloud-init's words.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        # Right after its start the container has no cloud-init status yet.
        shown = execute(home, machine, ["cloud-init", "status", "--wait", "--format", "json"])
        # 2: done, with warnings (cloud-init's documentation of exit codes).
        if shown.code in (0, 2) and '"status": "done"' in shown.stdout:
            return
        if '"status": "error"' in shown.stdout:
            log = execute(home, machine, ["tail", "-n", "15", "/var/log/cloud-init-output.log"]).stdout
            raise LabError(f"the first boot of {machine.name} failed:\n{log}")
        time.sleep(0.2)
    raise LabError(f"the first boot of {machine.name} is not done after {BOOT_SECONDS:.0f} s")
