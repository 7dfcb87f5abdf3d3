"""Finding an engine that is there already."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleet.engine.build import cache_folder
from fleet.engine.engine import OLDEST, PROGRAMS, Engine, EngineError


def find_engine(checkout: Path, environment: Mapping[str, str] = os.environ) -> Engine:
    """The engine to use: an installed one, else the built one.

    Raises:
        EngineError: neither is there; says how to get one.
    """
    engine = installed_engine(environment) or built_engine(checkout, environment)
    if engine is None:
        oldest = ".".join(map(str, OLDEST))
        raise EngineError(
            f"no Pulumi engine: neither an installed one (version {oldest} or later with pulumi-language-python on PATH) "
            "nor a built one. Run: fleet engine build"
        )
    return engine


def installed_engine(environment: Mapping[str, str] = os.environ) -> Engine | None:
    """A ``pulumi`` on PATH that is new enough and has its language host beside it; None without one."""
    found = shutil.which("pulumi", path=environment.get("PATH"))
    return _usable(Path(found).resolve().parent, built=False) if found else None


def built_engine(checkout: Path, environment: Mapping[str, str] = os.environ) -> Engine | None:
    """Our own build for this checkout's pinned modules; None before it was built."""
    return _usable(cache_folder(checkout, environment) / "bin", built=True)


def _usable(folder: Path, built: bool) -> Engine | None:
    if not all((folder / program).is_file() for program in PROGRAMS):
        return None
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    shown = subprocess.run(
        [folder / "pulumi", "version"], capture_output=True, text=True, check=False, env=environment, timeout=30
    )
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", shown.stdout.strip())
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST:
        return None
    return Engine(folder, shown.stdout.strip().removeprefix("v"), built)
