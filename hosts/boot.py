"""What brings a host's bundles back after a reboot: one program and its unit, part of a host's base.

The base declares them (a file, ``templates/host/fleet-bundles.service.j2``, an enabled unit), so that they are seen in
its preview, mended when somebody changes them, and removed from a guest's host with everything else of ours. A deploy
writes nothing outside of its bundle's folder.
"""

from __future__ import annotations

import importlib.resources

BOOT_PROGRAM_PATH = "/usr/local/lib/fleet/start_bundles.py"
BOOT_UNIT = "fleet-bundles.service"


def boot_program() -> str:
    """The program's text; it needs Python 3.11's standard library, Docker and Compose, and no network."""
    return (importlib.resources.files("hosts.agent") / "boot_program.py").read_text(encoding="utf-8")
