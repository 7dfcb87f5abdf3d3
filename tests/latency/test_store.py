"""Results are files: written, read again, and refused with a clear word when they are broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.latency.store import BadResult, read_file, runs, write
from tests.latency.made import COINBASE, around, run, series

pytestmark = pytest.mark.unit

Document = dict[str, Any]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    found = series("coinbase", COINBASE, around(10, 30), errors=[(31, "timeout", "curl: (28) timed out")])
    return write(tmp_path, run("nj", "new-jersey", found))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = run("hub", "cdmx", series("coinbase", COINBASE, around(60.123, 30)), baseline=True, simulated=True)
    path = write(tmp_path, made)
    assert path == tmp_path / "latency" / "20261122T143000Z-hub-baseline.json"
    assert read_file(path) == made
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_newest_comes_first(tmp_path: Path) -> None:
    for minutes in (5, 90, 0):
        write(tmp_path, run("nj", "new-jersey", minutes=minutes))
    write(tmp_path, run("sg", "singapore", minutes=10))
    assert [(one.host, one.started.minute) for one in runs(tmp_path)] == [("nj", 0), ("sg", 40), ("nj", 35), ("nj", 30)]


def test_a_fleet_that_never_measured_has_no_runs(tmp_path: Path) -> None:
    assert list(runs(tmp_path)) == []


def without(key: str) -> Callable[[Document], None]:
    return lambda document: document.pop(key)


def of_series(**values: object) -> Callable[[Document], None]:
    return lambda document: document["series"][0].update(values)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda document: document.update(format_version=2), "format_version is 2; this version of fleet reads 1"),
        (without("format_version"), "format_version is None"),
        (without("host"), "host: Field required"),
        (lambda document: document.update(simulated="perhaps"), "simulated: "),
        (lambda document: document.update(started="yesterday"), "started: "),
        (lambda document: document.update(more=1), "more: Extra inputs are not permitted"),
        (of_series(samples=[[0, 200]]), "series.0: Value error, a sample has tick, status and one number for each of"),
        (of_series(samples=[[0, 200, -5]]), "series.0.samples.0.2: Input should be greater than or equal to 0"),
        (of_series(samples=[[0, 200, "fast"]]), "series.0.samples.0.2: "),
        (of_series(kind="lukewarm"), "series.0.kind: "),
        (of_series(phases=[]), "series.0.phases: "),
    ],
)
def test_a_file_with_something_wrong_in_it_says_what_and_where(
    kept: Path, break_it: Callable[[Document], None], words: str
) -> None:
    document = json.loads(kept.read_text())
    break_it(document)
    kept.write_text(json.dumps(document))
    with pytest.raises(BadResult) as refused:
        read_file(kept)
    assert str(refused.value).startswith(str(kept))
    assert words in str(refused.value)
    assert str(refused.value).endswith("Measure again, and remove the file or give another one")


def test_a_file_that_is_cut_off_or_no_text_or_not_there_is_refused(kept: Path, tmp_path: Path) -> None:
    text = kept.read_text()
    kept.write_text(text[: len(text) // 2])
    with pytest.raises(BadResult, match="is not whole JSON"):
        read_file(kept)
    kept.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadResult, match="cannot be read: it is no text"):
        read_file(kept)
    with pytest.raises(BadResult, match="cannot be read: No such file or directory"):
        read_file(tmp_path / "gone.json")
    kept.write_text("[]")
    with pytest.raises(BadResult, match="format_version is None"):
        read_file(kept)
