"""Who the lab's registry is and why a server believes it: an authority of the lab's own, made when the lab starts.

A cloud's server resolves a registry's name by DNS and trusts public authorities. In the lab both are put in place when
a server is made: the name into its hosts file, the authority where its Docker looks for it.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

from lab import certificates
from lab.certificates import Trust

NAME = "registry.lab"
PORT = 5000
HOST = f"{NAME}:{PORT}"
"""As it stands in front of an image's name."""

DOCKERS_FOLDER = f"/etc/docker/certs.d/{HOST}"
"""Where dockerd looks for a registry's authority (``ca.crt``), anew for each request."""


def trusted_folder(folder: Path) -> Path:
    """What a server gets of it: the authority's certificate, nothing else."""
    return folder / certificates.TRUSTED


def make(folder: Path, address: IPv4Address) -> Trust:
    """The registry's certificate for its name and address."""
    return certificates.make(folder, "Authority of a fleet's lab", [NAME], address)
