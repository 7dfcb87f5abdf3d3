"""What was measured takes the place of what was estimated, and every answer says which is which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from fleet.catalogue.round_trips import load_round_trips
from fleet.catalogue.venue_sites import load_venue_list
from fleet.latency.known import FEWEST, known
from fleet.latency.result import Run
from fleet.latency.store import write
from tests.latency.made import BINANCE, COINBASE, KRAKEN, around, run, series
from tests.said import Fleet

pytestmark = pytest.mark.unit

VENUES = load_venue_list()
PLACES = load_round_trips().places


def keep(folder: Path, *made: Run) -> None:
    for one in made:
        write(folder, one)


def measured(folder: Path) -> dict[tuple[str, str], float]:
    return {pair: round(one.ms) for pair, one in known(folder, VENUES, PLACES).items()}


def make_it_a_labs(folder: Path) -> None:
    settings = {"backend": "file:///nowhere", "passphrase_file": "p", "secrets_file": "s"}
    environment = {"FLEET_LAB_HOME": str(folder)}
    (folder / ".fleet").mkdir()
    (folder / ".fleet" / "settings.yaml").write_text(yaml.safe_dump({**settings, "environment": environment}))


def test_the_newest_of_each_place_and_venue_counts(tmp_path: Path) -> None:
    keep(
        tmp_path,
        run("nj", "new-jersey", series("coinbase", COINBASE, around(30)), series("kraken", KRAKEN, around(80))),
        run("nj", "new-jersey", series("coinbase", COINBASE, around(9)), minutes=30),
        run("hub", "cdmx", series("coinbase", COINBASE, around(60)), baseline=True),
    )
    assert measured(tmp_path) == {
        ("new-jersey", "coinbase"): 9,
        ("new-jersey", "kraken"): 80,
        ("cdmx", "coinbase"): 60,
    }


def test_requests_on_a_kept_connection_count_before_pings_and_connects_and_cold_ones_never(tmp_path: Path) -> None:
    ping = series("coinbase", "wss://ws-feed.exchange.coinbase.com", around(7), kind="websocket")
    keep(tmp_path, run("nj", "new-jersey", ping, series("kraken", KRAKEN, around(300), kind="cold")))
    assert measured(tmp_path) == {("new-jersey", "coinbase"): 7}
    keep(tmp_path, run("nj", "new-jersey", ping, series("coinbase", COINBASE, around(9)), minutes=1))
    assert measured(tmp_path) == {("new-jersey", "coinbase"): 9}
    futures = series("interactive-brokers", "cdc1.ibllc.com:4001", around(22), kind="tcp", site="futures")
    keep(tmp_path, run("chi", "chicago", futures))
    assert measured(tmp_path)["chicago", "interactive-brokers/futures"] == 22


def test_few_samples_edges_and_refusals_say_nothing_of_a_venues_distance(tmp_path: Path) -> None:
    """16 ms from Mexico City to Virginia are faster than light: an edge answered."""
    keep(
        tmp_path,
        run(
            "hub",
            "cdmx",
            series("coinbase", COINBASE, around(16)),
            series("kraken", KRAKEN, around(130, FEWEST - 1)),
            series("binance", BINANCE, [], errors=[(0, "451", "HTTP 451")]),
        ),
    )
    assert measured(tmp_path) == {}


def test_what_was_simulated_counts_in_a_lab_alone(tmp_path: Path) -> None:
    keep(tmp_path, run("nj", "new-jersey", series("coinbase", COINBASE, around(9)), simulated=True))
    assert measured(tmp_path) == {}
    make_it_a_labs(tmp_path)
    assert measured(tmp_path) == {("new-jersey", "coinbase"): 9}


def row_of(said: str, venue: str) -> dict[str, object]:
    return next(row for row in json.loads(said)["best"]["venues"] if row["venue"] == venue)


def test_a_placement_takes_what_was_measured_and_says_so(fleet: Fleet, folder: Path) -> None:
    asked = ("place", "coinbase", "kraken", "--place", "new-jersey", "--place", "london")
    before = fleet(*asked)
    assert row_of(fleet(*asked, "--json").out, "coinbase")["basis"] != "measured"
    assert "round trips are estimates" in before.out

    keep(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(14, 201))))
    said = fleet(*asked)
    row = row_of(fleet(*asked, "--json").out, "coinbase")
    assert row["basis"] == "measured"
    assert row["ms"] == pytest.approx(14, rel=0.01)
    assert row_of(fleet(*asked, "--json").out, "kraken")["basis"] != "measured"
    assert "1 of 2 round trips are measured from this fleet's hosts, the oldest on 2026-11-22" in said.out

    # Also the answer about one venue and one place, there and instead.
    served = fleet("place", "--serve", "coinbase=new-jersey")
    assert "coinbase from new-jersey: nothing is known that forbids it; 13.93 ms (measured)" in served.out
    [fact] = fleet("place", "--serve", "coinbase=london", "--json").facts
    assert (fact["allowed"], fact["basis"]) == (True, "published")
    keep(
        folder,
        run("tyo", "tokyo", series("binance", BINANCE, around(90, 201)), minutes=1),
        run("sg", "singapore", series("binance", BINANCE, around(70, 201)), minutes=2),
    )
    # By the estimate Tokyo would be the nearest that may, at 2 ms; this fleet's hosts know better.
    [fact] = fleet("place", "--serve", "binance=new-jersey", "--json").facts
    assert (fact["instead"], fact["instead_basis"]) == ("singapore", "measured")
    assert fact["instead_ms"] == pytest.approx(70, rel=0.01)

    # Where the specification has the venues is another question.
    claimed = row_of(fleet(*asked, "--hosting", "specification", "--json").out, "coinbase")
    assert claimed["basis"] != "measured"


def test_a_measurement_can_change_the_answer(fleet: Fleet, folder: Path) -> None:
    """London is 2 ms from Kraken by the catalogue; measured at 95 it is farther than New Jersey."""
    asked = ("place", "kraken", "--place", "london", "--place", "new-jersey", "--limit", "kraken=90", "--json")
    assert row_of(fleet(*asked).out, "kraken")["served_from"] == "london"
    keep(
        folder,
        run("ldn", "london", series("kraken", KRAKEN, around(95))),
        run("nj", "new-jersey", series("kraken", KRAKEN, around(78))),
    )
    assert row_of(fleet(*asked).out, "kraken")["served_from"] == "new-jersey"


def test_in_a_lab_the_placement_says_simulated(fleet: Fleet, folder: Path) -> None:
    make_it_a_labs(folder)
    keep(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(14)), simulated=True))
    assert "1 of 1 round trips are SIMULATED measured" in fleet("place", "coinbase", "--place", "new-jersey").out


def test_the_map_shows_what_was_measured_and_says_so(fleet: Fleet, folder: Path) -> None:
    def drawn() -> str:
        assert fleet("map", str(folder / "fleet.svg")).code == 0
        return (folder / "fleet.svg").read_text()

    assert "Coinbase 6 " in drawn()
    keep(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(14))))
    assert "Coinbase 14* " in drawn()
    assert "*: measured" in drawn()
    assert "SIMULATED" not in drawn()

    make_it_a_labs(folder)
    keep(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(15)), minutes=9, simulated=True))
    assert "Coinbase 15* " in drawn()
    assert "SIMULATED: round trips to venues were measured in a lab" in drawn()


def test_the_return_says_that_it_is_in_part_measured(fleet: Fleet, folder: Path) -> None:
    assert "(an estimate: mean round trip" in fleet("roi").out
    keep(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(14))))
    assert "(in part measured, else an estimate: mean round trip" in fleet("roi").out


def test_a_broken_file_stops_a_placement_with_its_name(fleet: Fleet, folder: Path) -> None:
    (folder / "latency").mkdir()
    (folder / "latency" / "20261122T143000Z-nj.json").write_text("{")
    said = fleet("place", "coinbase")
    assert said.code == 2
    assert "latency/20261122T143000Z-nj.json is not whole JSON" in said.err
    assert "Traceback" not in said.err
