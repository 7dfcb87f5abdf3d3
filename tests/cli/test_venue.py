"""``fleet venue``: who uses what, and moves that are refused before anything is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.catalogue.venues import load_venues
from tests.said import Fleet

JOURNAL = Path(".fleet/venue-move.json")


def test_list_has_every_use_of_the_stack_files_and_every_venue_that_nobody_uses(fleet: Fleet) -> None:
    said = fleet("venue", "list", "--json")
    rows = json.loads(said.out)

    assert said.code == 0
    assert {row["venue"] for row in rows} == set(load_venues())
    always = {"of": "", "days": "every day", "opens": "00:00", "closes": "24:00", "zone": "UTC"}
    assert all(row.pop("hours") == [always] for row in rows if row["venue"] in ("mexc", "kraken"))
    by_venue = {name: [row for row in rows if row["venue"] == name] for name in load_venues()}
    assert by_venue["mexc"] == [
        {"venue": "mexc", "kind": "broker", "status": "disabled", "account": "", "region": "", "mode": ""}
    ]
    assert {(row["account"], row["region"], row["mode"]) for row in by_venue["kraken"]} == {
        ("main", "ldn", "active"),
        ("main", "fra", "standby"),
    }
    assert {row["account"]: row["region"] for row in by_venue["interactive-brokers"]} == {
        "us": "nj",
        "asia": "sg",
        "europe": "ldn",
        "futures": "chi",
        "japan": "tyo",
        "eu": "fra",
    }


def test_list_for_people(fleet: Fleet) -> None:
    said = fleet("venue", "list")
    assert said.code == 0
    row = next(line for line in said.out.splitlines() if line.split()[:1] == ["alpaca"])
    assert row.split() == ["alpaca", "broker", "active", "main", "nj", "active"]


def test_list_reports_a_broken_configuration(fleet: Fleet, folder: Path) -> None:
    file = folder / "Pulumi.nj.yaml"
    file.write_text(file.read_text().replace("alpaca: active", "alpacca: active"))
    said = fleet("venue", "list")
    assert said.code == 2
    assert "alpacca" in said.err
    assert "did you mean 'alpaca'?" in said.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("alpacca", "--to", "sg"), "alpacca is not a broker of the catalogue; did you mean 'alpaca'?"),
        (("polygon", "--to", "sg"), "polygon is not a broker of the catalogue"),
        (("alpaca", "--to", "sgp"), "sgp is not a region; there are: hub, nj, "),
        (("alpaca", "--to", "nj"), "nj trades account main of alpaca already"),
        (("alpaca", "--to", "hub"), "hub does not run the bundle trading: add it to its fleet:bundles first"),
        (("alpaca", "--account", "second", "--to", "sg"), "no region trades account second of alpaca"),
        (("interactive-brokers", "--account", "us", "--to", "chi"), "as interactive-brokers (futures) does"),
        (("interactive-brokers", "--account", "asia", "--to", "hub"), "hub does not run the bundle trading"),
    ],
)
def test_a_move_that_cannot_be_is_refused(fleet: Fleet, folder: Path, arguments: tuple[str, ...], why: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    said = fleet("venue", "move", *arguments)
    assert said.code == 1
    assert why in said.err
    assert not (folder / JOURNAL).exists()
    assert {path.name: path.read_bytes() for path in folder.glob("*.yaml")} == before


def test_a_move_says_where_to(fleet: Fleet) -> None:
    assert fleet("venue", "move", "alpaca").code == 2


def test_a_move_that_could_not_begin_is_not_under_way(fleet: Fleet, folder: Path) -> None:
    """Nothing was initialised here: the next move must not be told to end this one first."""
    said = fleet("venue", "move", "alpaca", "--to", "sg")
    assert said.code == 2
    assert "run fleet init" in said.err
    assert not (folder / JOURNAL).exists()


def test_another_move_waits_for_the_one_under_way(fleet: Fleet, folder: Path) -> None:
    under_way = {"venue": "alpaca", "account": "main", "source": "nj", "target": "sg", "step": "confirm"}
    (folder / JOURNAL).parent.mkdir()
    (folder / JOURNAL).write_text(json.dumps(under_way))
    for arguments in (("bybit", "--to", "tyo"), ("alpaca", "--to", "chi")):
        said = fleet("venue", "move", *arguments)
        assert said.code == 1, said.err
        assert "end it first with: fleet venue move alpaca --account main --to sg" in said.err
    assert json.loads((folder / JOURNAL).read_text()) == under_way


def test_a_damaged_journal_asks_for_eyes(fleet: Fleet, folder: Path) -> None:
    (folder / JOURNAL).parent.mkdir()
    (folder / JOURNAL).write_text("{")
    said = fleet("venue", "move", "alpaca", "--to", "sg")
    assert said.code == 1
    assert "damaged; see by hand which region trades" in said.err
