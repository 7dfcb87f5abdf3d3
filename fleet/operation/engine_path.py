"""Putting the engine, and the Python that programs run in, first on this process's PATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fleet.engine import find_engine

CHECKOUT = Path(__file__).resolve().parents[2]


def engine_path(current: str) -> str:
    """A PATH with the engine's programs and this Python's ``python3`` before everything else.

    Raises:
        EngineError: there is no engine.
    """
    wanted = [str(find_engine(CHECKOUT).folder), str(Path(sys.executable).parent)]
    rest = [part for part in current.split(os.pathsep) if part and part not in wanted]
    return os.pathsep.join([*wanted, *rest])


def put_engine_on_path() -> None:
    """Make ``pulumi`` and its programs' Python those of this package, for this process and what it starts."""
    os.environ["PATH"] = engine_path(os.environ.get("PATH", os.defpath))
