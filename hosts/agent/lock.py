"""One run at a time: a lock that vanishes with its process."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .machine import Machine
from .report import AgentError

POLL_SECONDS = 0.2


@contextmanager
def exclusive(machine: Machine, who: str, part: str, wait_seconds: float, name: str = "lock") -> Iterator[int]:
    """Hold a lock of the host's; raises AgentError("locked") naming the holder if it is not free in time.

    Yields the lock's descriptor: a command that inherits it keeps the lock to its own end, whatever ends this process.
    """
    path = os.path.join(machine.run_folder, name)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise AgentError("locked", _holder(path)) from None
                time.sleep(POLL_SECONDS)
        since = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        holder = json.dumps({"who": who, "since": since, "part": part, "pid": os.getpid()})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _holder(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            holder = json.load(file)
        return (
            f"{holder['who']} has been applying {holder['part']} here since {holder['since']} "
            f"(process {holder['pid']} of the host)"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another run is at work here"
