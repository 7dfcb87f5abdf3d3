"""Latency from end to end: venues at known distances, measured from the fleet's hosts, before beside after; a probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from fleet.latency.probe_stack import standing
from fleet.rehearsal.internet import venues_internet
from lab.internet import setup
from lab.internet.table import Internet, Way
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

VENUES = ("alpaca", "coinbase", "binance", "bybit")
"""Two that New Jersey is for, two that Singapore is for and that refuse New Jersey; each second one behind an edge."""
ASKED = [word for venue in VENUES for word in ("--venue", venue)]
HOW = ("--seconds", "20", "--rate", "5")
"""Enough samples for an interval of the median. A venue's own limit keeps the rate below that where it is lower."""
TOLERANCE = 0.25
"""Of the difference between before and after: two cores carry three hosts, the venues and what measures, and what that
adds to a round trip is some ms and not the same before and after."""

Fleet = Callable[..., str]


@pytest.fixture(scope="module")
def internet(fleet: StandingFleet) -> Iterator[Internet]:
    """The venues answer in the lab, as far away as the catalogue says."""
    made = venues_internet(fleet.stand.configuration)
    fleet.lab.establish_internet(made)
    yield made
    setup.remove(fleet.lab.home)


@pytest.fixture(scope="module")
def command(fleet: StandingFleet) -> Fleet:
    """``fleet latency ...``: its standard output."""

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["latency", *arguments, "--root", str(fleet.stand.root)])
        assert done.exit_code == 0, f"{arguments}: {done.output}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def measured(internet: Internet, command: Fleet) -> dict[str, Any]:
    """What New Jersey and Singapore say, after the hub said what was before."""
    command("baseline", *ASKED, *HOW)
    found: dict[str, Any] = json.loads(command("measure", "nj", "sg", *ASKED, *HOW, "--json"))
    assert found["silent"] == {}
    return {run["region"]: run for run in found["runs"]}


def way(internet: Internet, fleet: StandingFleet, region: str, url: str) -> Way:
    """What was injected between a region and an endpoint."""
    site = next(site for site in internet.sites if site.name == urlsplit(url).hostname)
    return site.ways[fleet.stand.configuration.fleet.regions[region].place]


def on_a_kept_connection(one: Way) -> float:
    """ms for a request, or a ping, and its answer."""
    return one.round_trip_ms + one.answer_ms


def anew(one: Way) -> float:
    """ms for connecting, TLS, and a request with its answer."""
    return 3 * one.round_trip_ms + one.answer_ms


def test_what_moving_to_a_region_buys_is_what_was_injected(
    measured: dict[str, Any], internet: Internet, fleet: StandingFleet, command: Fleet
) -> None:
    found = json.loads(command("compare", *ASKED, "--json"))
    assert found["simulated"] is True
    assert found["before"]["region"] == "hub"
    rows = {(row["venue"], row["kind"], row["url"]): row for row in found["rows"]}
    assert {(venue, kind) for venue, kind, _ in rows} == {
        (venue, kind) for venue in VENUES for kind in ("warm", "cold", "websocket")
    }
    expected_from = {"alpaca": "nj", "coinbase": "nj", "binance": "sg", "bybit": "sg"}
    for (venue, kind, url), row in rows.items():
        assert row["after_from"] == expected_from[venue]
        of_way = anew if kind == "cold" else on_a_kept_connection
        before, after = (of_way(way(internet, fleet, region, url)) for region in ("hub", row["after_from"]))
        p50 = row["before"]["p50"], row["after"]["p50"]
        print(f"{venue:10} {kind:10} injected {before:6.1f} -> {after:6.1f}, measured {p50[0]:6.1f} -> {p50[1]:6.1f}")
        assert p50[0] - p50[1] == pytest.approx(before - after, rel=TOLERANCE), (venue, kind)
        if kind != "cold":
            assert row["improved"]["p50"]["shown"] is True


def test_a_refusal_is_reported_as_such_and_never_as_a_latency(measured: dict[str, Any]) -> None:
    refused = {"binance": "451", "bybit": "403"}
    for venue, status in refused.items():
        series = [one for one in measured["nj"]["series"] if one["venue"] == venue]
        assert series
        for one in series:
            assert (one["n"], one["refused"], set(one["errors"])) == (0, [status], {status}), one["url"]
    elsewhere = [one for one in measured["sg"]["series"] if one["venue"] in refused]
    assert all(one["n"] > 0 and one["refused"] == [] for one in elsewhere)


def test_who_answered_is_told_apart(measured: dict[str, Any]) -> None:
    answered = {
        one["venue"]: one["answered"] for one in measured["sg"]["series"] if one["kind"] == "warm" and one["n"] > 0
    }
    assert answered == {
        "alpaca": "origin",
        "coinbase": "through an edge",
        "binance": "through an edge",
        "bybit": "origin",
    }


def test_everything_says_that_it_is_simulated(
    measured: dict[str, Any], command: Fleet, fleet: StandingFleet, tmp_path: Path
) -> None:
    assert all(run["simulated"] is True for run in measured.values())
    assert "SIMULATED" in command("compare")
    assert "SIMULATED" in command("measure", "sg", "--venue", "bybit", "--seconds", "2")
    command("report", str(tmp_path / "latency.md"))
    assert "SIMULATED" in (tmp_path / "latency.md").read_text()
    assert "SIMULATED" in (tmp_path / "latency.svg").read_text()
    kept = list((fleet.stand.root / "latency").glob("*.json"))
    assert kept
    assert all(json.loads(file.read_text())["simulated"] is True for file in kept)


def test_a_probe_measures_from_a_place_where_nothing_stands_and_leaves_nothing_there(
    internet: Internet, fleet: StandingFleet, command: Fleet
) -> None:
    before = {server.id for server in fleet.lab.status().hosts}

    run = json.loads(
        command("probe", "tokyo", "--venue", "binance", "--seconds", "5", "--rate", "5", "--yes", "--json")
    )

    assert (run["place"], run["simulated"]) == ("tokyo", True)
    warm = [one for one in run["series"] if one["kind"] == "warm"]
    assert all(one["n"] > 0 and one["errors"] == {} for one in warm)
    # Binance is in Tokyo: what the hub measures would be gone but for the way through the city.
    from_hub = min(on_a_kept_connection(way(internet, fleet, "hub", one["url"])) for one in warm)
    assert all(one["phases"]["ttfb"]["p50"] < from_hub / 2 for one in warm)
    assert {server.id for server in fleet.lab.status().hosts} == before
    assert standing(fleet.stand.workspace) == ()
