"""Files of prices that were read live: all of them are written, or none."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.cost.refresh.writing import write_all

LARGEST = 4096


@contextmanager
def no_room_beyond(bytes_of_a_file: int) -> Iterator[None]:
    """The kernel refuses to let this process write a larger file, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of_a_file, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_at_the_second_file_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    first, second = tmp_path / "vultr.yaml", tmp_path / "digitalocean.yaml"
    first.write_text("as it was\n")
    with no_room_beyond(LARGEST), pytest.raises(OSError, match="File too large"):
        write_all({first: "new\n", second: "x" * (LARGEST + 1)})
    assert [path.name for path in tmp_path.iterdir()] == ["vultr.yaml"]
    assert first.read_text() == "as it was\n"

    first.chmod(0o600)
    write_all({first: "new\n", second: "more\n"})
    assert (first.read_text(), second.read_text()) == ("new\n", "more\n")
    assert first.stat().st_mode & 0o777 == 0o600
