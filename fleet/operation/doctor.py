"""What the commands need on this machine, and whether it is there."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from fleet.engine import EngineError, find_engine
from fleet.operation.engine_path import CHECKOUT

ENGINE_COMMANDS = ("up", "preview", "down", "status", "demo")
LAB_COMMANDS = ("lab", "demo")
LAB_PROGRAMS = ("dockerd", "mmdebstrap", "nft", "ip", "iptables")


@dataclass(frozen=True)
class Finding:
    """One thing that some commands need."""

    name: str
    present: bool
    detail: str
    needed_by: tuple[str, ...]


def findings() -> tuple[Finding, ...]:
    """Everything, in the order in which one would put it right."""
    python = ".".join(map(str, sys.version_info[:3]))
    root = os.geteuid() == 0
    tunnel = Path("/dev/net/tun").exists()
    return (
        Finding("python", sys.version_info >= (3, 11), python, ("every command",)),
        _engine(),
        Finding("linux", sys.platform == "linux", sys.platform, LAB_COMMANDS),
        Finding("root", root, "yes" if root else "run with sudo", LAB_COMMANDS),
        Finding("/dev/net/tun", tunnel, "" if tunnel else "modprobe tun", LAB_COMMANDS),
        *(
            Finding(program, bool(path), path or "installed by: fleet lab up", LAB_COMMANDS)
            for program in LAB_PROGRAMS
            for path in [shutil.which(program) or ""]
        ),
    )


def _engine() -> Finding:
    try:
        engine = find_engine(CHECKOUT)
    except EngineError as missing:
        return Finding("engine", False, str(missing), ENGINE_COMMANDS)
    kind = "built" if engine.built else "installed"
    return Finding("engine", True, f"pulumi {engine.version}, {kind}: {engine.folder}", ENGINE_COMMANDS)
