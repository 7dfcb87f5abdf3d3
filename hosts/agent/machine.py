"""The machine that the program stands on: its root, its commands, its own folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

COMMAND_SECONDS = 300.0
"""Limit of one command; installing packages has its own."""

OUTPUT_CHARACTERS = 1500


@dataclass(frozen=True)
class Outcome:
    """A finished command."""

    status: int
    out: str
    err: str

    def text(self) -> str:
        """The last of what it said, for a message."""
        said = "\n".join(part.strip() for part in (self.err, self.out) if part.strip())
        return said[-OUTPUT_CHARACTERS:] or f"exit status {self.status}"


class Machine:
    """Access to files below ``root`` and to commands found in ``path``. Commands never pass through a shell."""

    def __init__(self, root: str, path: str) -> None:
        self.root = root.rstrip("/")
        self.path = path
        self.var = self.at("/var/lib/fleet")
        self.run_folder = self.at("/run/fleet")
        self.tmp = os.path.join(self.var, "tmp")

    def at(self, path: str) -> str:
        """An absolute path of the host as a path of this process."""
        return self.root + path

    def run(
        self, *argv: str, stdin: str | None = None, seconds: float = COMMAND_SECONDS, holding: tuple[int, ...] = ()
    ) -> Outcome:
        """Run a command to its end. A missing program is status 127, a too slow one 124.

        ``holding``: descriptors that the command inherits, a lock's for example.
        """
        environment = {"PATH": self.path, "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        environment["SYSTEMD_COLORS"] = "0"
        environment["SYSTEMD_PAGER"] = "cat"
        program = shutil.which(argv[0], path=self.path)
        if program is None:
            return Outcome(127, "", f"{argv[0]}: there is no such program on this host")
        try:
            done = subprocess.run(
                # Some programs, sshd among them, insist on their absolute path.
                [program, *argv[1:]],
                input=stdin,
                stdin=None if stdin is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                env=environment,
                cwd="/",
                pass_fds=holding,
                check=False,
            )
        except OSError as error:
            return Outcome(126, "", f"{argv[0]}: {error.strerror}")
        except subprocess.TimeoutExpired:
            return Outcome(124, "", f"{argv[0]} did not end within {seconds:.0f} s and was stopped")
        return Outcome(done.returncode, done.stdout, done.stderr)

    def make_folders(self) -> None:
        """The program's own folders. What holds saved or unfinished content is readable by root alone."""
        os.makedirs(self.run_folder, mode=0o755, exist_ok=True)
        os.makedirs(self.var, mode=0o755, exist_ok=True)
        for name in ("tmp", "armed", "reverting", "reverted"):
            folder = os.path.join(self.var, name)
            os.makedirs(folder, mode=0o700, exist_ok=True)

    def boot_id(self) -> str:
        """Identifies the running kernel's boot."""
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()

    def load(self, name: str) -> dict[str, Any]:
        """A small JSON document of the program's own; {} where it is missing or damaged."""
        try:
            with open(os.path.join(self.var, name), encoding="utf-8") as file:
                document = json.load(file)
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def store(self, name: str, document: dict[str, Any]) -> None:
        """Write such a document, atomically and only if it differs."""
        if document == self.load(name):
            return
        temporary = os.path.join(self.tmp, name)
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(self.var, name))
