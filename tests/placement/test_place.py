"""``fleet place`` on the default fleet: what it answers, what it refuses, and how it says so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fleet.catalogue.physics import floor_ms
from fleet.catalogue.round_trips import load_round_trips
from fleet.catalogue.venue_sites import load_sites, load_venue_list
from fleet.catalogue.venues import load_venues
from fleet.picture import SCALE
from fleet.placement.plot import HEIGHT, WIDTH
from tests.fleet.png import read_lines
from tests.said import Fleet

pytestmark = pytest.mark.unit

PLACES = load_round_trips().places
country_of = load_venue_list().country_of


def places(plan: dict[str, list[dict[str, str]]]) -> set[str]:
    return {server["place"] for server in plan["open"]}


def test_every_broker_and_data_provider_has_a_site_or_is_everywhere_and_every_place_a_country() -> None:
    placed = {site.venue.name for site in load_sites()}
    assert placed == {name for name, venue in load_venues().items() if venue.kind in ("broker", "data")}
    for site in load_sites():
        assert site.edge or site.place in PLACES, site.name
        assert not site.claimed_place or site.claimed_place in PLACES, site.name
        assert len(site.source) > 5, site.name
    assert all(len(country_of(place)) == 2 for place in PLACES)


def test_the_worked_case_through_the_command(fleet: Fleet) -> None:
    """Five servers of the same size: with the published hosting Tokyo is the fourth region, not Chicago."""
    said = fleet(
        "place",
        "--place",
        "new-jersey",
        "--place",
        "singapore",
        "--place",
        "london",
        "--place",
        "chicago",
        "--place",
        "tokyo",
        "--place",
        "frankfurt",
        "--service",
        "vultr",
        "--budget",
        "202",
        "--json",
    )
    assert said.code == 0, said.err
    assert places(said.facts["best"]) == {"cdmx", "new-jersey", "singapore", "london", "tokyo"}


@pytest.mark.parametrize("venue", ["binance", "bybit"])
@pytest.mark.parametrize("objective", ["mean", "p95", "worst"])
def test_venues_that_refuse_us_addresses_are_never_served_from_the_us(fleet: Fleet, venue: str, objective: str) -> None:
    said = fleet("place", "--objective", objective, "--json")
    for plan in (said.facts["best"], *said.facts["front"]):
        served = next(row["served_from"] for row in plan["venues"] if row["venue"] == venue)
        assert country_of(served) != "US"
        spare = next(row["falls_back_to"] for row in plan["venues"] if row["venue"] == venue)
        assert spare is None or country_of(spare) != "US"
    barred = {row["candidate"] for row in said.facts["infeasible"] if row["venue"] == venue}
    assert {"nj", "chi"} <= barred


@pytest.mark.parametrize(("venue", "code", "instead"), [("binance", "451", "tokyo"), ("bybit", "403", "singapore")])
def test_asked_for_the_us_the_answer_says_why_not_and_offers_the_nearest_legal_place(
    fleet: Fleet, venue: str, code: str, instead: str
) -> None:
    said = fleet("place", "--serve", f"{venue}=new-jersey")
    assert said.code == 3
    assert f"{venue} from new-jersey: no. " in said.out
    assert code in said.out
    assert f"the nearest place that may: {instead}, 2 ms (estimate), USD " in said.out
    assert fleet("place", "--serve", f"{venue}={instead}").code == 0


def test_only_illegal_places_is_no_plan_and_says_why(fleet: Fleet) -> None:
    """The hub may serve Binance, but not within the limit; New Jersey could, but must not."""
    said = fleet("place", "binance", "--place", "new-jersey", "--limit", "binance=100")
    assert said.code == 3
    assert "binance: no candidate can serve it" in said.err
    assert "over the limit of 100 ms" in said.err
    assert "HTTP 451" in said.err


def test_a_budget_that_nothing_fits_names_the_cheapest_that_would(fleet: Fleet) -> None:
    said = fleet("place", "--budget", "50", "--limit", "kraken=20")
    assert said.code == 3
    assert "no plan within USD 50.00 a month: the cheapest that serves everything costs 54.00 (hub, ldn)" in said.err


def test_a_limit_is_kept_and_reported_for_every_pair_that_breaks_it(fleet: Fleet) -> None:
    facts = fleet("place", "--limit", "bybit=40", "--budget", "100", "--json").facts
    bybit = next(row for row in facts["best"]["venues"] if row["venue"] == "bybit")
    assert bybit["ms"] <= 40
    assert {"candidate": "hub", "venue": "bybit", "why": "220 ms, over the limit of 40 ms"} in facts["infeasible"]


def test_with_redundancy_each_venue_has_two_places_in_reach(fleet: Fleet) -> None:
    """Kraken and the limit of 100 ms: London, Frankfurt and the US are in reach, the hub is not."""
    limits = ("--limit", "kraken=100", "--limit", "bybit=100")
    once = fleet("place", *limits, "--budget", "140", "--json").facts
    twice = fleet("place", *limits, "--redundancy", "2", "--budget", "300", "--json").facts
    assert once["in_reach"] == 1
    trips = load_round_trips()
    for venue, host in (("kraken", "london"), ("bybit", "singapore")):
        able = [
            place
            for place in places(twice["best"])
            if trips.between(place, host).ms <= 100 and not (venue == "bybit" and country_of(place) == "US")
        ]
        assert len(able) >= 2, venue


def test_a_lost_region_hands_its_venues_to_the_next_nearest_that_may_serve_them(fleet: Fleet) -> None:
    """Chicago is nearer to Singapore (208 ms) than the hub is (220 ms), and is no place for Bybit all the same."""
    said = fleet("place", "bybit", "ninjatrader", "--place", "singapore", "--place", "chicago", "--json")
    rows = {row["venue"]: (row["served_from"], row["falls_back_to"]) for row in said.facts["best"]["venues"]}
    assert rows == {"bybit": ("singapore", "cdmx"), "ninjatrader": ("chicago", "cdmx")}
    trips = load_round_trips()
    assert trips.between("chicago", "singapore").ms < trips.between("cdmx", "singapore").ms
    alone = fleet("place", "kraken", "--budget", "30", "--json").facts["best"]["venues"]
    assert [row["falls_back_to"] for row in alone] == [None]


def test_weights_change_the_answer_and_where_they_flip_it_is_told(fleet: Fleet) -> None:
    """The flip of the answer is checked by asking again on both sides of it."""
    plain = fleet("place", "--budget", "120", "--objective", "weighted", "--json").facts
    flip = plain["flips"][0]
    beyond = flip["flips_at"] + (0.01 if flip["flips_at"] > flip["weight"] else -0.01)
    short = flip["flips_at"] - (0.01 if flip["flips_at"] > flip["weight"] else -0.01)
    servers = {row["candidate"] for row in plain["best"]["open"]}
    for weight, same in ((short, True), (beyond, False)):
        again = fleet("place", "--budget", "120", "--weight", f"{flip['venue']}={weight}", "--json").facts
        found = {row["candidate"] for row in again["best"]["open"]}
        assert (found == servers) is same
        if not same:
            assert found == set(flip["open"])


def test_the_specification_is_a_row_by_the_same_measure(fleet: Fleet) -> None:
    facts = fleet("place", "--json").facts
    row = next(row for row in facts["beside"] if row["name"] == "the specification's five servers")
    assert places(row["plan"]) == {"cdmx", "new-jersey", "singapore", "london", "chicago"}
    assert row["plan"]["score_ms"] > facts["best"]["score_ms"]


def test_no_number_of_an_answer_is_faster_than_light(fleet: Fleet) -> None:
    facts = fleet("place", "--everywhere", "--service", "vultr", "--json").facts
    for plan in (facts["best"], *facts["front"]):
        for row in plan["venues"]:
            assert row["ms"] >= floor_ms(PLACES[row["served_from"]], PLACES[row["hosted_in"]])


def test_costs_add_up_and_agree_with_fleet_cost(fleet: Fleet) -> None:
    """All regions as the stack files have them; 30.00 is the hub's stated price, which ``fleet roi`` leaves out."""
    facts = fleet("place", "--json").facts
    for plan in (facts["best"], *facts["front"]):
        assert sum(Decimal(server["monthly_usd"]) for server in plan["open"]) == Decimal(plan["monthly_usd"])
        assert Decimal(plan["monthly_usd"]) <= 335
    whole = Decimal(fleet("cost", "--json").facts["monthly_usd"])
    assert Decimal(fleet("roi", "--json").facts["monthly_usd"]) == whole - 30


def test_everything_wrong_with_a_question_is_told_at_once(fleet: Fleet) -> None:
    said = fleet(
        "place", "binanse", "--place", "tokio", "--weight", "kraken=-1", "--limit", "bybit=0", "--redundancy", "0"
    )
    assert said.code == 2
    for words in ("did you mean 'binance'?", "did you mean 'tokyo'?", "weight of kraken", "limit of bybit", "in reach"):
        assert words in said.err
    for arguments in (
        ("--plot", "front.jpg"),
        ("--budget", "much"),
        ("--weight", "kraken"),
        ("--objective", "best"),
        ("--hosting", "mine"),
    ):
        said = fleet("place", *arguments)
        assert said.code == 2
        assert "Traceback" not in said.err


def test_the_table_says_what_is_assumed_and_what_is_left_out(fleet: Fleet) -> None:
    said = fleet("place")
    assert said.code == 0
    for words in (
        "virginia (assumed)",
        "left out: mexc: disabled",
        "left out: twelve-data: a content network",
        "UNPRICED, so no candidates: ",
        "round trips are estimates",
        "<- the answer",
        "runner-up: ",
    ):
        assert words in said.out


def test_the_plot_is_a_picture_of_the_front(fleet: Fleet, tmp_path: object) -> None:
    file = f"{tmp_path}/front.svg"
    facts = fleet("place", "--plot", file, "--json").facts
    drawing = ElementTree.parse(file).getroot()
    titles = [title.text or "" for title in drawing.iter("{http://www.w3.org/2000/svg}title")]
    for plan in facts["front"]:
        assert any(f"USD {plan['monthly_usd']}, {plan['score_ms']:.1f} ms" in title for title in titles)
    texts = " ".join(text.text or "" for text in drawing.iter("{http://www.w3.org/2000/svg}text"))
    assert "the specification's five servers" in texts
    assert "budget 335" in texts


def test_the_plot_as_png(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "front.png"
    assert fleet("place", "--plot", str(file)).code == 0
    seen = read_lines(file.read_bytes())
    assert (seen.width, seen.height) == (WIDTH * SCALE, HEIGHT * SCALE)
    assert len(set(seen.lines)) > seen.height / 4
    refused = fleet("place", "--plot", str(tmp_path / "front.jpg"))
    assert refused.code == 2
    assert "ends in neither .svg nor .png" in refused.err


def test_beyond_sixteen_candidates_another_method_proves_an_answer_that_is_no_worse(fleet: Fleet) -> None:
    few, many = fleet("place", "--json").facts, fleet("place", "--everywhere", "--json").facts
    assert (few["method"], many["method"]) == ("every set", "mixed-integer program")
    # Every place of the first question is one of the second.
    assert float(many["best"]["score_ms"]) <= float(few["best"]["score_ms"])


def test_each_provider_of_a_place_is_a_candidate_and_the_dearer_one_is_left_out(fleet: Fleet) -> None:
    words = (
        "place",
        "--place",
        "new-jersey",
        "--place",
        "singapore",
        "--service",
        "vultr",
        "--service",
        "digitalocean",
    )
    said = fleet(*words, "bybit", "--json").facts
    [opened] = [server for server in said["best"]["open"] if server["place"] == "singapore"]
    alone = {
        service: fleet("place", "--place", "singapore", "--service", service, "bybit", "--json").facts["best"]
        for service in ("vultr", "digitalocean")
    }
    prices = {
        service: min(server["monthly_usd"] for server in plan["open"] if server["place"] == "singapore")
        for service, plan in alone.items()
    }
    assert len(prices) == 2
    assert opened["monthly_usd"] == min(prices.values(), key=Decimal)


def test_no_claim_moves_an_answer(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fleet("place", "--json").facts

    def nobody_asks(*_: object) -> None:
        raise AssertionError("a placement asks for claims")

    for name in ("judged_claims", "expected_claims_with"):
        monkeypatch.setattr(f"fleet.catalogue.claims.{name}", nobody_asks)
    for venue in load_venues().values():
        # The catalogue's rows are read once: what is claimed of them is another thing now.
        monkeypatch.setitem(vars(venue), "claimed_ms_from_cdmx", 0.1)
    assert load_venues()["binance"].claimed_ms_from_cdmx == 0.1
    assert fleet("place", "--json").facts == before


def test_claims_are_shown_beside_what_holds(fleet: Fleet) -> None:
    said = fleet("place", "--claims")
    assert said.code == 0
    assert "edge, not origin" in said.out
    assert "impossible" in said.out
    assert {row["verdict"] for row in fleet("place", "--claims", "--json").facts} == {
        "possible",
        "edge, not origin",
        "impossible",
        "not known where it is",
    }
