"""``fleet latency baseline --here``: the whole way from the command to the file, with own venues on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from fleet.latency.simulated import SIMULATED
from fleet.latency.store import read_file, runs
from tests.latency.venue import Venue
from tests.said import Fleet

pytestmark = pytest.mark.parts

BASELINE = (
    "latency",
    "baseline",
    "--here",
    "--venue",
    "coinbase",
    "--venue",
    "kraken",
    "--rate",
    "5",
    "--seconds",
    "4",
)


@pytest.fixture
def own_venues(folder: Path, venue: Venue) -> Venue:
    """Coinbase answers here after 60 ms, Kraken refuses."""
    origin = {"source": "this test", "as_of": "2026-11-23"}
    endpoints = {
        "coinbase": [("rest", venue.url("/coinbase")), ("websocket", venue.url("/ws", "wss"))],
        "kraken": [("rest", venue.url("/kraken"))],
    }
    rows = [
        {**origin, "name": name, "endpoints": [{"transport": transport, "url": url} for transport, url in found]}
        for name, found in endpoints.items()
    ]
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / "venues.yaml").write_text(yaml.safe_dump({"venues": rows}))
    venue.delays |= {"/coinbase": 0.06, "/ws": 0.06}
    venue.statuses["/kraken"] = 451
    return venue


def test_it_is_measured_shown_and_kept(own_venues: Venue, fleet: Fleet, folder: Path) -> None:
    said = fleet(*BASELINE)
    assert said.code == 0, said.err
    assert "from here: 2 venues in 5 series for 4 s" in said.err
    lines = said.out.splitlines()
    assert any("coinbase" in line and "REST, connection kept" in line and "origin" in line for line in lines)
    assert any("coinbase" in line and "WebSocket ping" in line for line in lines)
    assert any("kraken" in line and "x 451" in line for line in lines)
    assert any(line.startswith("kraken refuses hub (") and line.endswith("HTTP 451") for line in lines)
    assert "the first 2 ticks of each series do not count" in said.out
    assert SIMULATED not in said.out

    (kept,) = runs(folder)
    assert f"kept: {folder}/latency/" in said.out
    assert (kept.baseline, kept.simulated, kept.place) == (True, False, "cdmx")
    warm = next(series for series in kept.series if (series.venue, series.kind) == ("coinbase", "warm"))
    assert min(warm.ms("ttfb", 0)) >= 60
    assert len(warm.samples) > 5


def test_for_programs_and_in_a_lab_it_says_simulated(own_venues: Venue, fleet: Fleet, folder: Path) -> None:
    settings = {"backend": "file:///nowhere", "passphrase_file": "p", "secrets_file": "s"}
    (folder / ".fleet").mkdir()
    environment = {"environment": {"FLEET_LAB_HOME": str(folder)}}
    (folder / ".fleet" / "settings.yaml").write_text(yaml.safe_dump({**settings, **environment}))
    (found,) = json.loads(fleet(*BASELINE, "--json").out)["runs"]
    assert found["simulated"] is True
    assert read_file(Path(found["file"])).simulated
    rows = {(row["venue"], row["kind"]): row for row in found["series"]}
    assert rows["coinbase", "cold"]["phases"]["ttfb"]["p50"] >= 60 * 0.999
    assert rows["coinbase", "warm"]["answered"] == "origin"
    assert rows["kraken", "warm"]["refused"] == ["451"]
    assert rows["kraken", "warm"]["n"] == 0
    assert SIMULATED in fleet(*BASELINE).out
