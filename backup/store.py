"""The host that keeps the copies: takes a new one, lists them, gives one back.

It overwrites none and takes no order to delete: who owns the hub can fill its disk up to a reserve, and nothing more.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from backup.archive import verify
from backup.problem import CopyProblem

SUFFIX, UNFINISHED = ".tar.gz", ".part"
RESERVE = 0.1
"""Part of the disk that stays free: the host has work of its own."""
PIECE = 1 << 20

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True)
class Store:
    """A folder of copies."""

    folder: Path
    keep: int
    """At least so many stay."""
    every_seconds: int
    """How often one is expected: none goes that is younger than ``keep`` times that, however many arrive."""
    now: Callable[[], float] = time.time

    def put(self, name: str, stream: BinaryIO) -> dict[str, Any]:
        """Take a copy; it joins the others only when all of it is on the disk and its checksums are right.

        Raises:
            CopyProblem: it is there already, is damaged, or there is no room for it.
        """
        final = self._file(name)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if final.exists():
                raise CopyProblem(f"{name}: is there already, and is not replaced")
            for killed in self.folder.glob(f"*{UNFINISHED}"):
                killed.unlink()
            part = self.folder / f"{name}{UNFINISHED}"
            try:
                self._receive(stream, part)
                with part.open("rb") as opened:
                    manifest = verify(opened)
                if manifest.get("name") != name:
                    raise CopyProblem(f"{name}: is the copy {manifest.get('name')}")
            except CopyProblem:
                part.unlink()
                raise
            part.rename(final)
            _sync(self.folder)
            self._prune()
        return {"name": name, "bytes": final.stat().st_size}

    def _receive(self, stream: BinaryIO, part: Path) -> None:
        with part.open("wb") as opened:
            while piece := stream.read(PIECE):
                disk = shutil.disk_usage(self.folder)
                if disk.free - len(piece) < RESERVE * disk.total:
                    raise CopyProblem(
                        f"no room for another copy: {disk.free >> 20} MB of {disk.total >> 20} MB are free, and a "
                        "tenth stays free. Give the host a larger disk, or keep fewer copies (questdb.backup.keep)"
                    )
                opened.write(piece)
            opened.flush()
            os.fsync(opened.fileno())

    def _prune(self) -> None:
        by_age = sorted(self.folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in by_age[self.keep :]:
            if self.now() - file.stat().st_mtime > self.keep * self.every_seconds:
                file.unlink()

    def copies(self) -> list[dict[str, Any]]:
        """Every whole copy, the newest first."""
        files = sorted(self.folder.glob(f"*{SUFFIX}"), reverse=True)
        return [{"name": file.name.removesuffix(SUFFIX), "bytes": file.stat().st_size} for file in files]

    def get(self, name: str, stream: BinaryIO) -> None:
        """Give a copy back.

        Raises:
            CopyProblem: there is none of that name.
        """
        file = self._file(name)
        if not file.exists():
            there = ", ".join(copy["name"] for copy in self.copies()) or "none"
            raise CopyProblem(f"no copy {name}. There are: {there}")
        with file.open("rb") as opened:
            shutil.copyfileobj(opened, stream, PIECE)
        stream.flush()

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise CopyProblem(f"{name}: is not the name of a copy, such as 20261123T120000Z")
        return self.folder / f"{name}{SUFFIX}"


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
