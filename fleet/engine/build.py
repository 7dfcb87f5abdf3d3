"""Building the engine from its published Go modules, once per set of pinned versions.

The modules and their checksums stand in ``tools/engine/*/go.mod`` and ``go.sum``; the result is cached outside the
checkout under the hash of these files. No binary is committed, none is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.engine.engine import PROGRAMS, EngineError
from fleet.engine.go import Progress, go_environment, usable_go
from fleet.engine.lock import only_one

VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
FLAGS = ("-trimpath", "-tags", "osusergo,grpcnotrace")
PROGRESS_SECONDS = 5.0


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
    """Where the engine of this checkout's pinned modules is cached.

    Raises:
        EngineError: the checkout has no pinned modules: this is not the project's own checkout.
    """
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for piece in PIECES:
        for name in ("go.mod", "go.sum"):
            file = checkout / "tools" / "engine" / piece.folder / name
            try:
                digest.update(file.read_bytes())
            except OSError as problem:
                raise EngineError(f"{file}: {problem.strerror}; it says which engine is built") from None
    return cache_root(environment) / "engine" / digest.hexdigest()[:16]


def build_engine(checkout: Path, progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Build the engine if this checkout's is not cached yet; returns its folder of programs.

    Two builds at the same time wait for each other; an interrupted one leaves nothing that counts as built.

    Raises:
        EngineError: no usable Go, or the build failed (with its last lines).
    """
    target = cache_folder(checkout, environment)
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.parent / f"{target.name}.lock"
    with only_one(lock, lambda: progress("another build of the engine is under way: waiting for it")):
        if all((target / "bin" / program).is_file() for program in PROGRAMS):
            return target / "bin"
        scratch_name = f"building-{target.name}-"
        for left_over in target.parent.glob(f"{scratch_name}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        go = usable_go(checkout, cache_root(environment), progress, environment)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=scratch_name) as scratch:
            build = _Build(go, checkout, Path(scratch), progress, go_environment(environment))
            for piece in PIECES:
                build.program(piece)
            build.scripts()
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            build.made.rename(target / "bin")
    return target / "bin"


class _Build:
    """One build: a Go command, where from, where to."""

    def __init__(
        self, go: str, checkout: Path, scratch: Path, progress: Progress, environment: Mapping[str, str]
    ) -> None:
        self.go, self.progress, self.environment = go, progress, environment
        self.modules = checkout / "tools" / "engine"
        self.made = scratch / "bin"
        self.made.mkdir()

    def program(self, piece: Piece) -> None:
        folder = self.modules / piece.folder
        version = self._list(folder, "{{.Version}}", piece.module)
        self._run(
            [
                "build",
                *FLAGS,
                "-ldflags",
                f"-s -w -X {VERSION_VARIABLE}={version}",
                "-o",
                str(self.made / piece.program),
                piece.package,
            ],
            folder,
            f"building {piece.program} {version} (the first time both programs take 6 minutes on 2 cores)",
        )

    def scripts(self) -> None:
        source = Path(self._list(self.modules / "cli", "{{.Dir}}", SCRIPTS_MODULE))
        for name, inside in SCRIPTS.items():
            shutil.copyfile(source / inside, self.made / name)
            (self.made / name).chmod(0o755)

    def _list(self, folder: Path, wanted: str, module: str) -> str:
        listed = subprocess.run(
            [self.go, "list", "-m", "-f", wanted, module],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode != 0:
            raise EngineError(
                f"the engine cannot be built: go list {module} failed in {folder}:\n{listed.stderr.strip()}"
            )
        return listed.stdout.strip()

    def _run(self, arguments: list[str], folder: Path, what: str) -> None:
        """Run a Go command, with a progress line every few seconds."""
        started = time.monotonic()
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen([self.go, *arguments], cwd=folder, env=self.environment, stdout=log, stderr=log)
            try:
                while (code := _ended(process)) is None:
                    self.progress(f"{what}: {time.monotonic() - started:.0f} s")
            except BaseException:
                process.terminate()
                process.wait()
                raise
            if code != 0:
                log.seek(0)
                last = "\n".join(log.read().splitlines()[-15:])
                raise EngineError(
                    f"the engine cannot be built: 'go {arguments[0]}' failed in {folder}:\n{last}\n"
                    "Is the Go module proxy reachable (go env GOPROXY), and is there room on the disk? "
                    "An installed Pulumi CLI with its Python language host is used instead of a built one."
                )


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=PROGRESS_SECONDS)
    except subprocess.TimeoutExpired:
        return None
