"""``fleet db`` where nobody keeps copies of the database: said before anything is asked of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.said import Fleet

SCHEDULE = "  backup:\n    to: nj\n    every: 6h\n    keep: 8\n"


@pytest.fixture
def unscheduled(folder: Path) -> Path:
    file = folder / "fleet.yaml"
    text = file.read_text()
    assert text.count(SCHEDULE) == 1
    file.write_text(text.replace(SCHEDULE, ""))
    return folder


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.usefixtures("unscheduled")
def test_without_a_keeper_it_is_said_how_to_name_one(fleet: Fleet, command: str) -> None:
    said = fleet("db", command)
    assert said.code == 2
    assert "no host keeps copies of the database" in said.err
    assert "questdb: {backup: {to: nj, every: 6h}}" in said.err


@pytest.mark.usefixtures("unscheduled")
def test_validate_warns_that_there_is_no_rpo(fleet: Fleet) -> None:
    assert "warning: fleet.yaml: questdb.backup: no copy of the market database leaves the hub" in fleet("validate").out


def test_with_a_keeper_validate_has_nothing_to_warn_of(fleet: Fleet) -> None:
    assert "warning" not in fleet("validate").out
