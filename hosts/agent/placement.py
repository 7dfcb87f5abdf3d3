"""How content gets to its path: written aside, then renamed. Nothing half-written is ever visible."""

from __future__ import annotations

import errno
import itertools
import os
import shutil

from .machine import Machine

_numbers = itertools.count()


def new_folder(machine: Machine) -> str:
    """A fresh folder for one candidate, readable by root alone."""
    folder = os.path.join(machine.tmp, f"{os.getpid()}-{next(_numbers)}")
    os.mkdir(folder, 0o700)
    return folder


def clear_leftovers(machine: Machine) -> None:
    """Remove what an interrupted run left. Only under the lock."""
    for name in os.listdir(machine.tmp):
        if os.path.exists(f"/proc/{name.partition('-')[0]}"):
            # A dry run that is at work right now.
            continue
        path = os.path.join(machine.tmp, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def write_candidate(machine: Machine, path: str, content: str) -> str:
    """Write content to a candidate file with the same base name (some validators go by it) and return its path."""
    candidate = os.path.join(new_folder(machine), os.path.basename(path))
    descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return candidate


def move_into_place(source: str, path: str) -> None:
    """Rename ``source`` to ``path``; on another file system, through a hidden neighbour of ``path``."""
    try:
        os.replace(source, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        neighbour = os.path.join(os.path.dirname(path), f".fleet-tmp.{os.path.basename(path)}")
        if os.path.lexists(neighbour):
            os.unlink(neighbour)
        if os.path.islink(source):
            os.symlink(os.readlink(source), neighbour)
        else:
            shutil.copy2(source, neighbour)
            status = os.stat(source)
            os.chown(neighbour, status.st_uid, status.st_gid)
        os.replace(neighbour, path)
        os.unlink(source)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
