"""What the lab needs on its machine, and putting it there on a fresh Debian."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.files import locked
from lab.settings import REGISTER

Progress = Callable[[str], None]

SYSTEM_UNITS = ("docker.service", "docker.socket", "containerd.service")
REGISTRY_UNIT = "docker-registry.service"
UNITS_FOLDER = Path("/etc/systemd/system")


@dataclass(frozen=True)
class Requirement:
    """A program (or file) and the Debian package that has it."""

    program: str
    package: str

    @property
    def present(self) -> bool:
        # Administrators' programs are not on everybody's PATH.
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        return Path(self.program).exists() if "/" in self.program else shutil.which(self.program, path=path) is not None


REQUIREMENTS = (
    Requirement("dockerd", "docker.io"),
    Requirement("mmdebstrap", "mmdebstrap"),
    Requirement("nft", "nftables"),
    Requirement("ip", "iproute2"),
    Requirement("iptables", "iptables"),
    Requirement("nsenter", "util-linux"),
    Requirement("sysctl", "procps"),
    Requirement("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    Requirement("docker-registry", "docker-registry"),
)
MAVEN = Requirement("mvn", "maven")
"""Only for making the services' images."""


def missing() -> tuple[Requirement, ...]:
    """What is not on this machine; changes nothing."""
    return tuple(requirement for requirement in REQUIREMENTS if not requirement.present)


def ensure(progress: Progress) -> None:
    """Install what is missing. Docker's own services are masked before, so that installing starts no daemon.

    Raises:
        LabError: not Linux, not root, not Debian-like, or apt failed; the message says what to do.
    """
    if sys.platform != "linux":
        raise LabError(f"the lab needs Linux (this is {sys.platform}): its servers are containers with systemd inside")
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and starts a Docker daemon of its own")
    ensure_programs(REQUIREMENTS, progress)


def ensure_programs(wanted: Sequence[Requirement], progress: Progress) -> None:
    """Install those that are missing.

    Raises:
        LabError: not Debian-like, or apt failed; the message says what to do.
    """
    if all(requirement.present for requirement in wanted):
        return
    # Labs may begin side by side, and apt-get works for one at a time.
    with locked(REGISTER / "packages.lock"):
        _install([requirement for requirement in wanted if not requirement.present], progress)


def _install(absent: Sequence[Requirement], progress: Progress) -> None:
    if not absent:
        return
    packages = sorted({requirement.package for requirement in absent})
    if shutil.which("apt-get") is None:
        raise LabError(f"install {', '.join(r.program for r in absent)}; only on Debian the lab does that itself")
    progress(f"installing {', '.join(packages)}")
    if "docker.io" in packages:
        mask_docker(SYSTEM_UNITS if shutil.which("containerd") is None else SYSTEM_UNITS[:2])
    if "docker-registry" in packages:
        mask_docker((REGISTRY_UNIT,))
    # A source that has nothing to do with us may be broken: what counts is whether the packages can be installed.
    updated = _apt("update")
    installed = _apt("install", "-y", "--no-install-recommends", *packages)
    if installed is not None:
        raise LabError("\n".join(filter(None, (installed, updated))))
    if still := [requirement for requirement in absent if not requirement.present]:
        raise LabError(f"apt installed {', '.join(packages)}, and {', '.join(r.program for r in still)} is not there")


def mask_docker(units: Sequence[str], folder: Path = UNITS_FOLDER) -> None:
    """Keep Docker's system services from starting; a unit file that somebody put there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for unit in units:
        link = folder / unit
        if not link.exists() and not link.is_symlink():
            link.symlink_to("/dev/null")


def _apt(*arguments: str) -> str | None:
    """None if apt-get did it, else what it said."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    done = subprocess.run(["apt-get", "-q", *arguments], capture_output=True, text=True, check=False, env=environment)
    if done.returncode == 0:
        return None
    tail = "\n".join(done.stderr.strip().splitlines()[-8:])
    return f"`apt-get {' '.join(arguments)}` ended with {done.returncode}:\n{tail}"
