"""What the commands need on this machine, and whether it is there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleet.engine import Engine, Unusable, built_engine, examine_installed
from fleet.engine.go import OLDEST_GO, go_on_path
from fleet.workspace.engine_path import CHECKOUT
from lab.requirements import REQUIREMENTS

ENGINE_COMMANDS = ("up", "preview", "down", "status", "adopt", "mesh", "ssh", "logs", "demo")
LAB_COMMANDS = ("lab", "demo")


@dataclass(frozen=True)
class Finding:
    """One thing that some commands need."""

    name: str
    present: bool
    detail: str
    """Where it is, or what to do about it."""
    needed_by: tuple[str, ...]


def findings() -> tuple[Finding, ...]:
    """Everything, in the order in which one would put it right."""
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        Finding("python 3.11", sys.version_info >= (3, 11), python, ("every command",)),
        *_engine(),
        _program("ssh", "openssh-client", ("ssh",)),
        *_lab(),
    )


def _engine() -> Iterator[Finding]:
    installed = examine_installed()
    engine = installed if isinstance(installed, Engine) else built_engine(CHECKOUT)
    if engine is not None:
        kind = "built here" if engine.built else "installed"
        yield Finding("engine", True, f"pulumi {engine.version}, {kind}: {engine.folder}", ENGINE_COMMANDS)
        return
    why = f"{installed.folder}: {installed.reason}. " if isinstance(installed, Unusable) else ""
    yield Finding("engine", False, f"{why}run: fleet engine build", ENGINE_COMMANDS)
    oldest = ".".join(map(str, OLDEST_GO))
    go = go_on_path(os.environ)
    fits = go is not None and tuple(map(int, go[1].split("."))) >= OLDEST_GO
    detail = f"{go[1]}: {go[0]}" if go else "none on PATH"
    if not fits:
        detail += "; the build fetches one from the Python package index"
    yield Finding(f"go {oldest}", True, detail, ("engine build",))


def _lab() -> Iterator[Finding]:
    yield Finding("linux", sys.platform == "linux", sys.platform, LAB_COMMANDS)
    root = os.geteuid() == 0
    yield Finding("root", root, "yes" if root else "run with sudo", LAB_COMMANDS)
    tunnel = Path("/dev/net/tun").exists()
    yield Finding("/dev/net/tun", tunnel, "there" if tunnel else "modprobe tun", LAB_COMMANDS)
    for requirement in REQUIREMENTS:
        detail = "there" if requirement.present else f"package {requirement.package}, installed by: fleet lab up"
        yield Finding(Path(requirement.program).name, requirement.present, detail, LAB_COMMANDS)


def _program(name: str, package: str, needed_by: tuple[str, ...]) -> Finding:
    path = shutil.which(name)
    return Finding(name, path is not None, path or f"apt-get install {package}", needed_by)
