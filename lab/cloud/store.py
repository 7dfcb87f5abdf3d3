"""Where the simulated clouds keep their objects: one JSON file in the lab's home, changed only under a lock.

Shape: ``{"objects": {provider: {token: {id: record}}}, "faults": [...], "counters": {name: last}}``. A record holds
``inputs`` and ``outputs`` as the engine knows them, ``created`` (RFC 3339), and ``hidden`` (what the cloud knows and
tells nobody). User data is never kept: it may hold a key.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "cloud.json"
LOCK = "cloud.lock"

Values = dict[str, Any]


@dataclass
class Record:
    """One object in a cloud."""

    inputs: Values
    outputs: Values
    hidden: Values = field(default_factory=dict)
    created: str = ""

    @property
    def properties(self) -> Values:
        """Everything the provider's read call would answer."""
        return {**self.inputs, **self.outputs}


class CloudState:
    """The clouds' objects inside one transaction."""

    def __init__(self, document: Values) -> None:
        self._document = document

    @property
    def document(self) -> Values:
        return self._document

    def find(self, provider: str, token: str, id: str) -> Record | None:
        """The object, or None if the cloud has none with this id."""
        entry = self._table(provider, token).get(id)
        return Record(**entry) if entry is not None else None

    def put(self, provider: str, token: str, id: str, record: Record) -> None:
        record.created = record.created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._table(provider, token)[id] = vars(record)

    def remove(self, provider: str, token: str, id: str) -> None:
        """Forget the object; an unknown id is no error, as a cloud's 404 on delete is none for its provider."""
        self._table(provider, token).pop(id, None)

    def all(self, provider: str, token: str) -> dict[str, Record]:
        """Every object of one type, in order of creation."""
        return {id: Record(**entry) for id, entry in self._table(provider, token).items()}

    def next(self, counter: str, first: int) -> int:
        """The next number of a counter that starts with ``first``."""
        counters = self._document.setdefault("counters", {})
        counters[counter] = counters.get(counter, first - 1) + 1
        return int(counters[counter])

    @property
    def faults(self) -> list[Values]:
        """The faults that were asked for and not yet used up."""
        faults: list[Values] = self._document.setdefault("faults", [])
        return faults

    def _table(self, provider: str, token: str) -> dict[str, Values]:
        objects = self._document.setdefault("objects", {})
        table: dict[str, Values] = objects.setdefault(provider, {}).setdefault(token, {})
        return table


class CloudStore:
    """The file with the clouds' state, below the lab's home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._file = home / FILE

    @contextmanager
    def transaction(self) -> Iterator[CloudState]:
        """The state, locked against every other process; what changed is kept only if the block ends without error."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._read()
            state = CloudState(json.loads(before) if before else {})
            yield state
            after = json.dumps(state.document, indent=1)
            if after != before:
                self._write(after)

    def snapshot(self) -> CloudState:
        """The state as it is now, to look at. The file is replaced as a whole, so no lock is needed to read it."""
        text = self._read()
        return CloudState(json.loads(text) if text else {})

    def _read(self) -> str:
        return self._file.read_text() if self._file.exists() else ""

    def _write(self, text: str) -> None:
        candidate = self._file.with_name(f"{FILE}.{os.getpid()}")
        descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
        candidate.replace(self._file)
