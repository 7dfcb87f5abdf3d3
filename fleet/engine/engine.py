"""What an engine is to this package: ``pulumi``, its Python language host and the host's two scripts."""

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
"""What runs Python programs with dynamic providers. The engine looks for the last three beside itself and on PATH."""


class EngineError(Exception):
    """No engine can be had on this machine. Its text says what is missing and what to do."""

    exit_code = 4


@dataclass(frozen=True)
class Engine:
    """A usable engine."""

    folder: Path
    """Holds ``pulumi``; the other PROGRAMS are in it too, or (installed ones only) elsewhere on PATH."""
    version: str
    built: bool
    """True for our own build, False for one that the user installed."""


@dataclass(frozen=True)
class Unusable:
    """A ``pulumi`` that is installed but cannot be used."""

    folder: Path
    reason: str
