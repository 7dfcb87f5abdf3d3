"""What an image consists of."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parent
SUITE = "trixie"
SETUP = FOLDER / "setup.sh"
OVERLAY = FOLDER / "overlay"

_BASE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "cloud-init",
    "python3",
    "sudo",
    "iputils-ping",
    "curl",
    "procps",
)
_INSTALLED_BY_THE_FLEET = (
    "nftables",
    "wireguard-tools",
    "wireguard-go",
    "chrony",
    "docker.io",
    "docker-compose",
    "docker-cli",
    "iptables",
    "netcat-openbsd",
    "unattended-upgrades",
    "tcpdump",
    "busybox-static",
)


@dataclass(frozen=True)
class Recipe:
    """One image: packages of Debian 13, the lab's own files, a last step.

    ``offered`` are packages that are not in the image: they and what they depend on are put into an APT repository
    beside it.
    """

    name: str
    packages: tuple[str, ...]
    offered: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change when the image would."""
        facts = json.dumps([SUITE, platform.machine(), self.packages, self.offered])
        return hashlib.sha256(facts.encode() + SETUP.read_bytes() + overlay_archive()).hexdigest()[:16]


FULL = Recipe("full", (*_BASE, *_INSTALLED_BY_THE_FLEET))
"""With everything that the fleet installs, so that a host is ready without a package source."""

BARE = Recipe("bare", _BASE, offered=_INSTALLED_BY_THE_FLEET)
"""Without it: for the test that goes the whole way."""

RECIPES = {recipe.name: recipe for recipe in (FULL, BARE)}


def overlay_archive() -> bytes:
    """The lab's own files as a tar archive, byte for byte the same whoever checked them out."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(OVERLAY.rglob("*")):
            if path.is_dir():
                continue
            content = path.read_bytes()
            entry = tarfile.TarInfo(str(path.relative_to(OVERLAY)))
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
