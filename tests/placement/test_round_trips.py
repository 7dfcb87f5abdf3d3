"""The round-trip matrix: complete, above what physics allows, and honest about where each number is from."""

from __future__ import annotations

import itertools

import pytest

from fleet.catalogue.claims import judged_claims
from fleet.catalogue.physics import Verdict, expected_ms, floor_ms, judge_expected, judge_measured
from fleet.catalogue.round_trips import Basis, load_round_trips
from fleet.catalogue.venue_sites import load_venue_list

pytestmark = pytest.mark.unit

TRIPS = load_round_trips()
VENUES = load_venue_list()
PLACES = TRIPS.places


# By hand: 2 x distance x 1.468 / 299.792 km per ms, the distance being the great circle.
@pytest.mark.parametrize(
    ("start", "end", "floor"),
    [
        ("cdmx", "virginia", 29.5),
        ("cdmx", "singapore", 162.6),
        ("cdmx", "tokyo", 110.8),
        ("new-jersey", "london", 54.6),
        ("london", "frankfurt", 6.2),
        ("singapore", "hong-kong", 25.3),
    ],
)
def test_the_floor_is_979_microseconds_for_100_km(start: str, end: str, floor: float) -> None:
    assert floor_ms(PLACES[start], PLACES[end]) == pytest.approx(floor, abs=0.15)


def test_no_row_is_faster_than_light_and_none_names_an_unknown_place() -> None:
    for start, row in TRIPS.measured.items():
        for end, ms in row.to.items():
            assert ms >= floor_ms(PLACES[start], PLACES[end]), (start, end)
    for detour in TRIPS.detours.values():
        assert {detour.place, detour.via} <= set(PLACES)


def test_every_pair_of_places_has_a_round_trip_that_physics_allows() -> None:
    for start, end in itertools.product(PLACES, PLACES):
        trip = TRIPS.between(start, end)
        assert trip.ms >= max(trip.floor_ms, 2.0), (start, end)


def test_both_ways_of_a_pair_are_alike() -> None:
    for start, end in itertools.combinations(PLACES, 2):
        there, back = TRIPS.between(start, end).ms, TRIPS.between(end, start).ms
        assert abs(there - back) <= max(8, 0.1 * there), (start, end, there, back)


def test_new_jersey_is_virginia_and_six_milliseconds_and_says_that_this_is_an_estimate() -> None:
    assert TRIPS.between("virginia", "london").basis is Basis.PUBLISHED
    for start, end, ms in [("new-jersey", "london", 84), ("new-jersey", "virginia", 6), ("cdmx", "new-jersey", 61)]:
        trip = TRIPS.between(start, end)
        assert (trip.ms, trip.basis) == (ms, Basis.ESTIMATE)


def test_where_nothing_is_published_the_distance_tells() -> None:
    trip = TRIPS.between("madrid", "santiago")
    assert trip.basis is Basis.ESTIMATE
    assert trip.ms == expected_ms(PLACES["madrid"], PLACES["santiago"])
    assert trip.ms == pytest.approx(1.5 * trip.floor_ms, abs=0.05)


def test_claims_of_the_specification_that_break_physics() -> None:
    """CoinGecko in Singapore at 29.8 ms from CDMX was measured: an edge answered. The others were promised."""
    assert judge_measured(29.8, PLACES["cdmx"], PLACES["singapore"]) is Verdict.EDGE
    assert judge_measured(236.8, PLACES["cdmx"], PLACES["tokyo"]) is Verdict.POSSIBLE
    assert judge_expected(30, PLACES["new-jersey"], PLACES["tokyo"]) is Verdict.IMPOSSIBLE
    assert judge_expected(35, PLACES["london"], PLACES["tokyo"]) is Verdict.IMPOSSIBLE
    assert judge_expected(10, PLACES["new-jersey"], PLACES["virginia"]) is Verdict.POSSIBLE


def test_every_claim_of_the_catalogue_is_judged_and_none_that_breaks_physics_passes() -> None:
    rows = judged_claims(VENUES)
    assert len([row for row in rows if row.rank is not None]) == len(VENUES.claims)
    for row in rows:
        if row.floor_ms is None:
            assert row.verdict is Verdict.UNKNOWN, row
            continue
        below = row.high_ms < row.floor_ms
        wrong = Verdict.EDGE if row.rank is None else Verdict.IMPOSSIBLE
        assert row.verdict is (wrong if below else Verdict.POSSIBLE), row


def test_the_claims_that_fail() -> None:
    """CoinGecko's measurement; Binance from all three regions, MEXC from Singapore (floor 52 ms to Tokyo); Bybit from
    London (floor 106 ms); Kraken from New Jersey (floor 54.6 ms) is promised at 40 to 60, which is just possible.

    Where Twelve Data's edge and an Asian account at Interactive Brokers are, nobody says."""
    failed = {
        (row.site, row.place): row.verdict for row in judged_claims(VENUES) if row.verdict is not Verdict.POSSIBLE
    }
    assert failed == {
        ("coingecko", "cdmx"): Verdict.EDGE,
        ("binance", "singapore"): Verdict.IMPOSSIBLE,
        ("binance", "new-jersey"): Verdict.IMPOSSIBLE,
        ("binance", "london"): Verdict.IMPOSSIBLE,
        ("bybit", "london"): Verdict.IMPOSSIBLE,
        ("mexc", "singapore"): Verdict.IMPOSSIBLE,
        ("twelve-data", "cdmx"): Verdict.UNKNOWN,
        ("interactive-brokers/asia", "singapore"): Verdict.UNKNOWN,
        ("interactive-brokers/asia", "tokyo"): Verdict.UNKNOWN,
    }
    refused = [(row.site, row.place) for row in judged_claims(VENUES) if row.refusal]
    assert refused == [("binance", "new-jersey")]


def test_no_claim_is_used_for_a_placement() -> None:
    """The round trip of every pair that a claim speaks of is the same without any claim: it is not the claim's."""
    for row in judged_claims(VENUES):
        if row.verdict not in (Verdict.POSSIBLE, Verdict.UNKNOWN):
            assert row.expected_ms > row.high_ms
            assert row.expected_ms >= row.floor_ms
