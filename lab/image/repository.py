"""An APT repository in one folder: the packages and their index."""

from __future__ import annotations

import hashlib
import subprocess
from email.utils import formatdate
from pathlib import Path


def index_repository(folder: Path) -> None:
    """Write ``Packages`` and ``Release`` for the .deb files in ``folder``, as apt wants them of a flat repository."""
    entries = []
    for package in sorted(folder.glob("*.deb")):
        control = subprocess.run(["dpkg-deb", "-f", str(package)], check=True, capture_output=True, text=True).stdout
        content = package.read_bytes()
        # Epochs are percent-encoded in the names apt gives its files, and a web server would decode them.
        name = package.name.replace("%3a", "_")
        package.rename(folder / name)
        digest = hashlib.sha256(content).hexdigest()
        entries.append(f"{control.rstrip()}\nFilename: ./{name}\nSize: {len(content)}\nSHA256: {digest}\n")
    packages = "\n".join(entries).encode()
    (folder / "Packages").write_bytes(packages)
    (folder / "Release").write_text(
        f"Date: {formatdate(usegmt=True)}\nSHA256:\n {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
    )
