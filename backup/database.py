"""The running database on its host: its volume, its containers, and questions to it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from backup.problem import CopyProblem
from backup.settings import Settings

READY_SECONDS = 3600.0
"""The start of a restored database that rebuilds what its checkpoint leaves out."""
LOOK_SECONDS = 0.5


class HubDatabase:
    """The database that copies are made of, by way of Docker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def make_copy(self) -> None:
        """Copy it as of one moment, on its own disk.

        Raises:
            CopyProblem: it did not work; the copy before it is kept.
        """
        self._docker("exec", self._settings.container, *self._settings.make)

    def volume(self) -> Path:
        """The folder of its data.

        Raises:
            CopyProblem: there is none.
        """
        try:
            found = self._docker("volume", "inspect", "--format", "{{.Mountpoint}}", self._settings.volume)
        except CopyProblem as problem:
            raise CopyProblem(f"the database never ran here ({problem}). Bring its bundle up first: fleet up") from None
        return Path(found.strip())

    def running(self) -> bool:
        """Whether the database runs, ready or not."""
        format_ = ("--format", "{{.State.Running}}")
        return self._docker("inspect", *format_, self._settings.container).strip() == "true"

    def stop(self) -> None:
        """Stop the shippers, then the database. Docker does not start them again by itself."""
        if shippers := self._shippers():
            self._docker("stop", *shippers)
        self._docker("stop", "--time", "60", self._settings.container)

    def start(self) -> None:
        """Start the database alone, and wait until it answers.

        Raises:
            CopyProblem: it does not.
        """
        self._docker("start", self._settings.container)
        deadline = time.monotonic() + READY_SECONDS
        while (state := self._health()) != "true healthy":
            if time.monotonic() > deadline or state.startswith("false"):
                raise CopyProblem(
                    f"the database does not become ready with the copy: see docker logs {self._settings.container}"
                )
            time.sleep(LOOK_SECONDS)

    def start_shippers(self) -> None:
        """Start every shipper."""
        if shippers := self._shippers():
            self._docker("start", *shippers)

    def rows(self, table: str) -> int:
        """The rows of a table that can be read.

        Raises:
            CopyProblem: it cannot be read.
        """
        statement = f"SELECT concat('rows=', count(), ';') FROM \"{table}\""  # noqa: S608 - a table's name of its own
        said = self._docker("exec", self._settings.container, *self._settings.query, statement)
        if not (found := re.search(r"rows=(\d+);", said)):
            raise CopyProblem(f"{table}: its rows cannot be counted")
        return int(found[1])

    def _health(self) -> str:
        return self._docker(
            "inspect", "--format", "{{.State.Running}} {{.State.Health.Status}}", self._settings.container
        ).strip()

    def _shippers(self) -> list[str]:
        project = f"label=com.docker.compose.project={self._settings.project}"
        found = self._docker("ps", "--all", "--filter", project, "--format", "{{.Names}}").split()
        return sorted(set(found) - {self._settings.container})

    def _docker(self, *words: str) -> str:
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, errors="replace")
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise CopyProblem(f"docker {words[0]}: {said[-1] if said else f'exit {done.returncode}'}")
        return done.stdout


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One copy or restore at a time.

    Raises:
        CopyProblem: another one is running.
    """
    with (Path(settings.results) / "lock").open("w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise CopyProblem("a copy is being made, or brought back, at this moment: wait until it is done") from None
        yield
