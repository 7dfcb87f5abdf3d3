"""Before beside after: like with like, the right region, who answered, what physics and the specification say."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fleet.catalogue.physics import floor_ms
from fleet.catalogue.round_trips import load_round_trips
from fleet.catalogue.venue_sites import load_venue_list
from fleet.latency.comparison import Comparison, NothingToCompare, compare
from fleet.latency.origin import Answered, judge
from fleet.latency.plot import plot
from fleet.latency.report import markdown
from fleet.latency.result import Run
from fleet.latency.simulated import SIMULATED
from fleet.latency.summary import summaries
from fleet.latency.text import compared_rows, comparison_sentences
from tests.latency.made import BINANCE, COINBASE, KRAKEN, around, run, series

pytestmark = pytest.mark.unit

VENUES = load_venue_list()
PLACES = load_round_trips().places
ACTIVE = {"nj": ["coinbase"], "sg": ["binance"], "ldn": ["kraken"]}


def compared(*runs: Run, **more: list[str]) -> Comparison:
    return compare(sorted(runs, key=lambda one: one.started, reverse=True), VENUES, PLACES, ACTIVE, **more)


BEFORE = run(
    "hub", "cdmx", series("coinbase", COINBASE, around(58)), series("binance", BINANCE, around(160)), baseline=True
)


def test_an_improvement_with_its_interval_its_floor_and_the_claim() -> None:
    found = compared(BEFORE, run("nj", "new-jersey", series("coinbase", COINBASE, around(8)), minutes=9))
    (row,) = found.rows
    assert (row.venue, row.before_from, row.after_from) == ("coinbase", "hub", "nj")
    assert row.before.n == row.after.n == 100
    improved = row.improved["p50"]
    assert improved is not None
    assert improved.share == pytest.approx(1 - 8 / 58, abs=0.01)
    assert improved.shown
    assert row.floor_ms == pytest.approx(floor_ms(PLACES["new-jersey"], PLACES["virginia"]))
    assert str(row.claim) == "116.5 -> 5-10"
    (cells,) = compared_rows(found)
    assert cells[:3] == ("coinbase", "REST, connection kept", "hub -> nj")
    assert cells[4].startswith("86.")


def test_a_promise_faster_than_light_is_called_impossible() -> None:
    """Binance is in Tokyo, 52 ms from Singapore at the least; the specification promises 10 to 15 from there."""
    found = compared(BEFORE, run("sg", "singapore", series("binance", BINANCE, around(75)), minutes=9))
    assert str(found.rows[0].claim) == "236.8 -> 10-15 (impossible)"


def test_nothing_is_claimed_where_nothing_changed() -> None:
    found = compared(BEFORE, run("nj", "new-jersey", series("coinbase", COINBASE, around(58)), minutes=9))
    assert compared_rows(found)[0][4].startswith("not shown [")


def test_few_samples_are_named_and_no_interval_is_made_up() -> None:
    found = compared(BEFORE, run("nj", "new-jersey", series("coinbase", COINBASE, around(8, 15)), minutes=9))
    (row,) = found.rows
    assert row.improved["p50"] is not None
    assert row.improved["p95"] is None
    assert compared_rows(found)[0][5:7] == ("63.2 -> -", "too few samples (100, 15)")


def test_the_region_that_uses_the_venue_is_compared_and_of_several_the_fastest() -> None:
    """Tokyo is nearer to Binance, but Singapore trades there; where none that uses it measured, the fastest counts."""
    sg = run("sg", "singapore", series("binance", BINANCE, around(75)), minutes=9)
    tyo = run("tyo", "tokyo", series("binance", BINANCE, around(5)), minutes=9)
    assert [row.after_from for row in compared(BEFORE, sg, tyo).rows] == ["sg"]
    assert [row.after_from for row in compared(BEFORE, sg, tyo, regions=["tyo"]).rows] == ["tyo"]
    ldn = run("ldn", "london", series("binance", BINANCE, around(230)), minutes=9)
    assert [row.after_from for row in compared(BEFORE, ldn, tyo).rows] == ["tyo"]


def test_cold_is_compared_with_cold_only() -> None:
    before = run("hub", "cdmx", series("coinbase", COINBASE, around(230), kind="cold"), baseline=True)
    after = run("nj", "new-jersey", series("coinbase", COINBASE, around(8)), minutes=9)
    assert compared(before, after).rows == ()
    both = run("nj", "new-jersey", *after.series, series("coinbase", COINBASE, around(40), kind="cold"), minutes=9)
    (row,) = compared(before, both).rows
    assert (row.kind, row.phase) == ("cold", "total")


def test_the_newest_counts_and_an_older_run_fills_in_what_a_newer_one_left_out() -> None:
    old = run(
        "nj", "new-jersey", series("coinbase", COINBASE, around(30)), series("kraken", KRAKEN, around(80)), minutes=5
    )
    new = run("nj", "new-jersey", series("coinbase", COINBASE, around(8)), minutes=60)
    before = run("hub", "cdmx", *BEFORE.series, series("kraken", KRAKEN, around(130)), baseline=True)
    rows = {row.venue: row.after.p50 for row in compared(before, old, new).rows}
    assert rows == {"coinbase": pytest.approx(8, rel=0.02), "kraken": pytest.approx(80, rel=0.02)}


def test_a_venue_that_refuses_the_region_is_not_compared_and_it_is_said_why() -> None:
    refused = series("binance", BINANCE, [], errors=[(0, "451", "HTTP 451"), (1, "451", "HTTP 451")])
    after = run("nj", "new-jersey", series("coinbase", COINBASE, around(8)), refused, minutes=9)
    found = compared(BEFORE, after)
    assert [row.venue for row in found.rows] == ["coinbase"]
    assert "not compared: binance warm from nj: 451" in list(comparison_sentences(found))


def test_without_a_before_or_an_after_the_way_to_one_is_named() -> None:
    nj = run("nj", "new-jersey", series("coinbase", COINBASE, around(8)))
    with pytest.raises(NothingToCompare, match="fleet latency baseline"):
        compared(nj)
    with pytest.raises(NothingToCompare, match="fleet latency measure"):
        compared(BEFORE)
    with pytest.raises(NothingToCompare, match="of sg"):
        compared(BEFORE, nj, regions=["sg"])


def test_what_a_lab_measured_is_never_set_against_what_was_real() -> None:
    lab = run("nj", "new-jersey", series("coinbase", COINBASE, around(1)), simulated=True, minutes=9)
    with pytest.raises(NothingToCompare):
        compared(BEFORE, lab)
    before = BEFORE.model_copy(update={"simulated": True})
    found = compared(before, lab)
    assert found.simulated
    assert next(comparison_sentences(found)) == SIMULATED
    assert f"**{SIMULATED}.**" in markdown("fleet", found, "latency.svg")
    assert SIMULATED in plot(found)


def test_the_report_is_a_table_and_a_picture() -> None:
    after = run("nj", "new-jersey", series("coinbase", COINBASE, around(8, tail_ms=40)), minutes=9)
    sg = run("sg", "singapore", series("binance", BINANCE, around(75)), minutes=9)
    found = compared(BEFORE, after, sg)
    page = markdown("fleet", found, "latency.svg")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(found.rows)
    assert len({line.count("|") for line in rows}) == 1
    assert "![p50 and p95 before and after](latency.svg)" in page
    assert "SIMULATED" not in page

    picture = ElementTree.fromstring(plot(found))
    words = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"coinbase", "binance"} <= set(words)
    assert sum("→" in word for word in words) == 2
    circles = picture.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) >= 4


@pytest.mark.parametrize(
    ("place", "ms", "headers", "answered"),
    [
        ("new-jersey", 9.0, {}, Answered.ORIGIN),
        ("cdmx", 29.0, {}, Answered.ORIGIN),
        ("cdmx", 20.0, {}, Answered.EDGE),
        ("new-jersey", 9.0, {"cf-ray": "8c1-EWR"}, Answered.THROUGH_EDGE),
        ("new-jersey", 9.0, {"server": "cloudflare"}, Answered.THROUGH_EDGE),
        ("new-jersey", 9.0, {"via": "1.1 abc.cloudfront.net (CloudFront)"}, Answered.THROUGH_EDGE),
        ("cdmx", 20.0, {"cf-ray": "8c1-MEX"}, Answered.EDGE),
    ],
)
def test_who_answered_is_told_by_light_and_by_headers(
    place: str, ms: float, headers: dict[str, str], answered: Answered
) -> None:
    """Coinbase is in Virginia: 29.5 ms from Mexico City at the least, of which 95 % are 28.0."""
    verdict = judge(series("coinbase", COINBASE, [ms] * 3, headers=headers), place, VENUES, PLACES)
    assert verdict.answered is answered
    assert verdict.floor_ms is not None


def test_where_a_venue_is_everywhere_or_nobody_knows_no_floor_is_made_up() -> None:
    everywhere = judge(series("yfinance", "https://query1.finance.yahoo.com", [5.0]), "cdmx", VENUES, PLACES)
    assert (everywhere.answered, everywhere.floor_ms) == (Answered.EDGE, None)
    homed = judge(series("interactive-brokers", "https://api.ibkr.com/v1/api/", [5.0]), "cdmx", VENUES, PLACES)
    assert (homed.answered, homed.floor_ms) == (Answered.UNKNOWN, None)
    named = judge(series("interactive-brokers", "cdc1.ibllc.com:4001", [40.0], site="futures"), "cdmx", VENUES, PLACES)
    assert named.floor_ms == pytest.approx(26.7, abs=0.1)


def test_headers_of_the_cold_requests_tell_who_answered_the_warm_ones() -> None:
    cold = series("coinbase", COINBASE, around(40), kind="cold", headers={"cf-ray": "8c1-EWR"})
    found = summaries(run("nj", "new-jersey", series("coinbase", COINBASE, around(9)), cold), VENUES, PLACES)
    assert {one.verdict.answered for one in found} == {Answered.THROUGH_EDGE}


def test_the_first_ticks_do_not_count() -> None:
    """They took five seconds in these runs."""
    (found,) = summaries(run("nj", "new-jersey", series("coinbase", COINBASE, around(9))), VENUES, PLACES)
    assert found.main.n == 100
    assert found.main.most is not None
    assert found.main.most < 5000
