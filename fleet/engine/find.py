"""Finding an engine that is there already."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleet.engine.build import cache_folder
from fleet.engine.engine import OLDEST, PROGRAMS, Engine, EngineError, Unusable

START_SECONDS = 60
"""``pulumi version`` takes 0.2 s; a machine that is busy gets this long."""


def find_engine(checkout: Path, environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine to use: an installed one, else the built one.

    Raises:
        EngineError: neither is there; says how to get one.
    """
    installed = examine_installed(environment)
    if isinstance(installed, Engine):
        return installed
    built = built_engine(checkout, environment)
    if built is not None:
        return built
    oldest = ".".join(map(str, OLDEST))
    found = f" The installed one cannot be used: {installed.reason}." if installed else ""
    raise EngineError(
        f"no Pulumi engine: neither an installed one (version {oldest} or later, with pulumi-language-python) "
        f"nor a built one.{found} Run: fleet engine build"
    )


def installed_engine(environment: Mapping[str, str] = os.environ) -> Engine | None:
    """A ``pulumi`` on PATH that is new enough and has its language host; None without one."""
    found = examine_installed(environment)
    return found if isinstance(found, Engine) else None


def examine_installed(environment: Mapping[str, str] = os.environ) -> Engine | Unusable | None:
    """The ``pulumi`` on PATH, or why it cannot be used; None when there is none."""
    path = environment.get("PATH", "")
    found = shutil.which("pulumi", path=path)
    if found is None:
        return None
    folder = Path(found).resolve().parent
    return _examine(folder, f"{folder}{os.pathsep}{path}", built=False)


def built_engine(checkout: Path, environment: Mapping[str, str] = os.environ) -> Engine | None:
    """Our own build for this checkout's pinned modules; None before it was built."""
    folder = cache_folder(checkout, environment) / "bin"
    found = _examine(folder, str(folder), built=True)
    return found if isinstance(found, Engine) else None


def _examine(folder: Path, path: str, built: bool) -> Engine | Unusable:
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return Unusable(folder, f"{', '.join(missing)} is neither beside it nor on PATH")
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        shown = subprocess.run(
            [folder / "pulumi", "version"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=START_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Unusable(folder, f"it does not run: {problem}")
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", shown.stdout.strip())
    if numbers is None:
        return Unusable(folder, "its version is not to be had from 'pulumi version'")
    if tuple(map(int, numbers.groups())) < OLDEST:
        return Unusable(folder, f"it is {numbers[0]}, and {'.'.join(map(str, OLDEST))} is the oldest that works")
    return Engine(folder, shown.stdout.strip().removeprefix("v"), built)
