"""The clouds' state file: nothing is lost between processes, nothing half-written is ever seen."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from lab.cloud.store import CloudStore


def count(home: Path) -> list[int]:
    numbers = []
    for _ in range(20):
        with CloudStore(home).transaction() as state:
            numbers.append(state.next("test", 1))
    return numbers


def test_no_two_processes_get_the_same_number(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        numbers = [n for batch in pool.map(count, [tmp_path] * 4) for n in batch]
    assert sorted(numbers) == list(range(1, 81))


def test_a_transaction_that_fails_changes_nothing(tmp_path):
    def fail() -> None:
        with CloudStore(tmp_path).transaction() as state:
            state.next("test", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert CloudStore(tmp_path).snapshot().document == {}


def test_the_file_is_private_and_no_candidate_stays(tmp_path):
    count(tmp_path)
    assert (tmp_path / "cloud.json").stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cloud.json", "cloud.lock"]
