"""What an engine is to this package: a folder with ``pulumi`` and its Python language host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 244, 0)
"""The first release that runs error hooks for every provider error (``infra/retry.py`` needs them)."""

PROGRAMS = (
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
)
"""What an engine folder must hold to run Python programs with dynamic providers."""


class EngineError(Exception):
    """No engine can be had on this machine. Its text says what is missing and what to do."""

    exit_code = 4


@dataclass(frozen=True)
class Engine:
    """A usable engine."""

    folder: Path
    """Holds every one of PROGRAMS."""
    version: str
    built: bool
    """True for our own build, False for one that the user installed."""
