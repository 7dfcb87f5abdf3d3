"""Files that several processes share: changed under a lock, replaced as a whole."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` exclusively: against other processes and other threads of this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; an empty one if there is no file."""
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return document


def write_private(path: Path, text: str) -> None:
    """Replace the file by ``text``, readable for its owner only."""
    candidate = path.with_name(f".{path.name}.{os.getpid()}.{id(text)}")
    descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    candidate.replace(path)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace the file by ``document``."""
    write_private(path, json.dumps(document, indent=1, sort_keys=True) + "\n")
