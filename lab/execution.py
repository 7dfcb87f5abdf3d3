"""Running programs on a lab's servers from outside, past ssh and every firewall: how the lab and its tests look in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from lab.daemon import Daemon
from lab.errors import LabError
from lab.settings import LabHome
from lab.state import Machine

BOOT_SECONDS = 180.0


@dataclass(frozen=True)
class Result:
    """What a program on a server gave back."""

    code: int
    stdout: str
    stderr: str


def execute(home: LabHome, machine: Machine, argv: Sequence[str]) -> Result:
    """Run a program as root on a server.

    Raises:
        LabError: the server is off or does not exist.
    """
    import docker

    client = Daemon(home).client()
    try:
        container = client.containers.get(machine.container)
        code, (stdout, stderr) = container.exec_run(list(argv), demux=True)
    except docker.errors.DockerException as error:
        raise LabError(f"nothing runs on the server {machine.name}: {error}") from None
    finally:
        client.close()
    return Result(int(code), (stdout or b"").decode(errors="replace"), (stderr or b"").decode(errors="replace"))


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
