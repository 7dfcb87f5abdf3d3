"""``fleet latency`` as its user sees it, from files that are kept; measuring itself is tested with the real program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fleet.latency.simulated import SIMULATED
from fleet.latency.store import write
from tests.latency.conftest import CHECKOUT
from tests.latency.made import BINANCE, COINBASE, around, run, series
from tests.said import Fleet

pytestmark = pytest.mark.unit

COMMANDS = ("measure", "baseline", "compare", "report", "probe")


@pytest.fixture
def compared(folder: Path) -> Path:
    """A fleet that has measured before and after."""
    coinbase, binance = series("coinbase", COINBASE, around(58)), series("binance", BINANCE, around(160))
    write(folder, run("hub", "cdmx", coinbase, binance, baseline=True))
    refused = series("binance", BINANCE, [], errors=[(0, "451", "HTTP 451")])
    write(folder, run("nj", "new-jersey", series("coinbase", COINBASE, around(8)), refused, minutes=9))
    write(folder, run("sg", "singapore", series("binance", BINANCE, around(75)), minutes=9))
    return folder


def test_help_names_what_can_be_done(fleet: Fleet) -> None:
    said = fleet("latency", "--help")
    for name in COMMANDS:
        assert f"\n  {name} " in said.out


def test_before_and_after_as_a_table(fleet: Fleet, compared: Path) -> None:
    said = fleet("latency", "compare")
    assert said.code == 0
    coinbase = next(line for line in said.out.splitlines() if "coinbase" in line)
    assert "hub -> nj" in coinbase
    assert "116.5 -> 5-10" in coinbase
    assert "before: from hub (cdmx), 2026-11-22 14:30 UTC" in said.out
    assert SIMULATED not in said.out


def test_before_and_after_for_programs(fleet: Fleet, compared: Path) -> None:
    facts = json.loads(fleet("latency", "compare", "--json").out)
    assert facts["simulated"] is False
    rows = {row["venue"]: row for row in facts["rows"]}
    assert rows["coinbase"]["improved"]["p50"]["shown"] is True
    assert rows["coinbase"]["improved"]["p50"]["share"] == pytest.approx(1 - 8 / 58, abs=0.01)
    assert rows["coinbase"]["claim_after_ms"] == [5, 10]
    assert rows["binance"]["after_from"] == "sg"
    assert rows["binance"]["before"]["p99"] is None
    one = json.loads(fleet("latency", "compare", "--venue", "binance", "--json").out)
    assert [row["venue"] for row in one["rows"]] == ["binance"]


def test_the_report_is_written_with_its_picture(fleet: Fleet, compared: Path) -> None:
    said = fleet("latency", "report", "gain.md")
    assert said.out == "written: gain.md, gain.svg\n"
    assert "| coinbase | REST, connection kept | hub -> nj |" in (compared / "gain.md").read_text()
    assert ElementTree.parse(compared / "gain.svg").getroot().tag.endswith("svg")
    assert fleet("latency", "report", "gain.html").code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare",), "no baseline is kept: fleet latency baseline"),
        (("compare", "--venue", "krakn"), "no venue 'krakn' with an endpoint (did you mean 'kraken'?). Known: alpaca"),
        (("compare", "nyc"), "no region nyc"),
        (("measure", "--venue", "krakn"), "no venue 'krakn'"),
        (("measure", "--rate", "0"), "rate is 0: a number above 0"),
        (("baseline", "--count", "0"), "count is 0: a whole number from 1"),
        (("measure",), "was not initialised on this machine"),
    ],
)
def test_wrong_usage_is_told_in_one_line(fleet: Fleet, arguments: tuple[str, ...], words: str) -> None:
    said = fleet("latency", *arguments)
    assert said.code == 2
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_broken_file_is_named(fleet: Fleet, compared: Path) -> None:
    path = next((compared / "latency").glob("*baseline.json"))
    path.write_text(path.read_text().replace('"simulated": false', '"simulated": 7'))
    said = fleet("latency", "compare")
    assert said.code == 2
    assert path.name in said.err
    assert "simulated: " in said.err


def test_what_the_documentation_says_can_be_typed_can_be_typed(fleet: Fleet) -> None:
    text = (CHECKOUT / "docs" / "latency.md").read_text()
    helps = {name: fleet("latency", name, "--help").out for name in COMMANDS}
    shown = [line.split() for line in text.splitlines() if line.startswith("fleet latency ")]
    assert {words[2] for words in shown} | {"probe"} == set(helps)
    for words in shown:
        for option in (word for word in words if word.startswith("--")):
            assert option in helps[words[2]], words
    for option in set(re.findall(r"`(--[a-z-]+)", text)) | set(re.findall(r"\((--[a-z-]+)", text)):
        assert any(option in said for said in helps.values()), option
