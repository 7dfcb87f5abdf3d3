"""The peers' own Python environment: pinned, outside the checkout, made once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

from fleet.engine import cache_root

CHECKOUT = Path(__file__).resolve().parents[1]
REQUIREMENTS = CHECKOUT / "requirements-bench.txt"


class PeersMissing(Exception):
    """The peers could not be installed; the text says why."""


def peer_environment(progress: Callable[[str], None]) -> Path:
    """The folder of an environment that has exactly the pinned peers.

    Raises:
        PeersMissing: pip could not install them.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = cache_root() / "bench" / digest
    complete = folder / "complete"
    if complete.exists():
        return folder
    progress("installing the peers, once (about half a minute)")
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [*pip, "install", "--require-hashes", "-r", str(REQUIREMENTS)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise PeersMissing(f"the peers could not be installed: {done.stderr.strip()}")
    complete.touch()
    return folder
