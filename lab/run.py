"""Running the machine's own programs, with an error that says which and why."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab.errors import LabError


def run(argv: Sequence[str], *, input: str | None = None) -> str:
    """Standard output of a program that must succeed.

    Raises:
        LabError: it is not there or it failed; the message has its own words.
    """
    try:
        done = subprocess.run(argv, input=input, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed; `fleet lab up` installs what is missing") from None
    if done.returncode != 0:
        raise LabError(f"`{' '.join(argv)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """True if the program ends with 0."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
