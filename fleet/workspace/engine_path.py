"""The engine that runs a fleet's stacks, and a PATH that has it and the Python that the stacks run in."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from fleet.engine import Engine, find_engine

CHECKOUT = Path(__file__).resolve().parents[2]
"""This project's own checkout: the programs and the engine's pinned modules. A fleet's folder may be another one."""


@functools.cache
def engine() -> Engine:
    """The engine of this machine. Asked once per process: each question starts it, to learn its version.

    Raises:
        EngineError: there is none; says how to get one.
    """
    return find_engine(CHECKOUT)


def engine_path(current: str) -> str:
    """A PATH with this Python's ``python3`` and the engine's programs before everything else.

    Python comes first: an engine from a Debian package lies in ``/usr/bin``, where another ``python3`` is.

    Raises:
        EngineError: there is no engine.
    """
    wanted = [str(Path(sys.prefix) / "bin"), str(engine().folder)]
    rest = [part for part in current.split(os.pathsep) if part and part not in wanted]
    return os.pathsep.join([*wanted, *rest])


def put_engine_on_path() -> None:
    """Make ``pulumi`` and its programs' Python those of this package, for this process and what it starts.

    Raises:
        EngineError: there is no engine.
    """
    os.environ["PATH"] = engine_path(os.environ.get("PATH", os.defpath))
