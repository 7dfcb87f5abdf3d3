"""Filling memory, so that a measurement shows what a service at its limit costs its host."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def filled(megabytes: int) -> Iterator[None]:
    """Hold so many MiB of resident memory."""
    if not megabytes:
        yield
        return
    with mmap.mmap(-1, megabytes << 20) as held:
        for page in range(0, megabytes << 20, mmap.PAGESIZE):
            # Written, not only reserved: an untouched page costs nothing.
            held[page] = 1
        yield
