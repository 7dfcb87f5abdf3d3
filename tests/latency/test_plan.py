"""What is asked of venues: within what each allows, spread over time, and enough of it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.catalogue.venue_sites import load_venue_list
from fleet.catalogue.venues import load_venues
from fleet.latency.catalogue_version import version_of
from fleet.latency.plan import (
    DEFAULT_PER_SECOND,
    PINGS_PER_SECOND,
    REMAINING,
    SHARE,
    BadPlan,
    Settings,
    plan_of,
)

pytestmark = pytest.mark.unit

VENUES = load_venue_list()


@given(st.floats(min_value=0.01, max_value=1000))
def test_no_venue_is_asked_more_often_than_its_share_allows_whatever_is_wished(rate: float) -> None:
    plan = plan_of(VENUES, (), Settings(rate=rate))
    for name in plan.venues:
        limit = load_venues()[name].rate_limit
        allowed = SHARE * (limit.per_second if limit else DEFAULT_PER_SECOND)
        for transport in ("rest", "tcp"):
            asked = sum(
                1 / one.period_seconds for one in plan.probes if (one.venue, one.transport) == (name, transport)
            )
            assert asked <= min(rate, allowed) * 1.000001
    pings = [1 / one.period_seconds for one in plan.probes if one.transport == "websocket"]
    assert max(pings) <= PINGS_PER_SECOND


def test_every_limit_of_the_catalogue_has_a_source_and_leaves_room() -> None:
    limited = {name: venue.rate_limit for name, venue in load_venues().items() if venue.rate_limit is not None}
    assert {"alpaca", "binance", "bybit", "coinbase", "kraken", "mexc"} <= set(limited)
    assert all(len(limit.source) > 5 for limit in limited.values())
    assert limited["kraken"].per_second == 1


def test_all_brokers_and_data_providers_in_use_are_measured_each_endpoint_warm_and_cold() -> None:
    plan = plan_of(VENUES)
    wanted = {
        name
        for name, venue in load_venues().items()
        if venue.kind in ("broker", "data") and venue.endpoints and venue.status != "disabled"
    }
    assert set(plan.venues) == wanted
    assert len(wanted) == 19
    for name in wanted:
        for endpoint in load_venues()[name].endpoints:
            kinds = {one.kind for one in plan.probes if one.url == endpoint.url and one.venue == name}
            assert kinds == {"rest": {"warm", "cold"}, "websocket": {"websocket"}, "tcp": {"tcp"}}[endpoint.transport]
            assert endpoint.transport == "tcp" or urlsplit(endpoint.url).hostname


def test_ticks_lie_apart() -> None:
    """Series begin at different moments of their period: a host that asks everybody at once measures itself."""
    plan = plan_of(VENUES)
    shares = sorted(one.offset_seconds / one.period_seconds for one in plan.probes)
    assert all(0 <= share < 1 for share in shares)
    assert len({round(share, 9) for share in shares}) == len(shares)


def test_a_count_takes_as_long_as_the_slowest_venue_needs() -> None:
    """Kraken allows one request a second; half of it is ours, for two endpoints, four of five of them warm."""
    plan = plan_of(VENUES, ["kraken"], Settings(count=100, rate=5))
    warm = [one for one in plan.probes if one.kind == "warm"]
    assert [one.period_seconds for one in warm] == [pytest.approx(5), pytest.approx(5)]
    assert plan.seconds == pytest.approx((100 + 2 + 1) * 5 + warm[1].offset_seconds)


def test_the_specifications_remaining_brokers_are_one_word() -> None:
    assert {load_venues()[name].title for name in REMAINING} == {
        "Interactive Brokers",
        "Kraken",
        "TradeStation",
        "NinjaTrader",
    }
    assert plan_of(VENUES, REMAINING).venues == REMAINING


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(seconds=0), "seconds is 0: a number above 0"),
        (Settings(rate=-1), "rate is -1: a number above 0"),
        (Settings(rate=float("nan")), "rate is nan: a number above 0"),
        (Settings(timeout_seconds=float("inf")), "timeout is inf"),
        (Settings(count=0), "count is 0: a whole number from 1"),
        (Settings(drop_first=-1), "drop-first is -1: a whole number from 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Settings, words: str) -> None:
    with pytest.raises(BadPlan, match=words):
        plan_of(VENUES, (), settings)


@pytest.mark.parametrize("name", ["krakn", "binance-market-data", "cme"])
def test_venues_without_an_endpoint_of_their_own_are_refused_with_those_that_have_one(name: str) -> None:
    with pytest.raises(BadPlan, match=f"no venue '{name}' with an endpoint") as refused:
        plan_of(VENUES, [name])
    assert "Known: alpaca, coinbase" in str(refused.value)


def test_the_catalogues_version_follows_its_rows() -> None:
    version = version_of(VENUES)
    assert version == version_of(load_venue_list())
    assert version.as_of >= "2026-11-22"
    by_name = {**VENUES.by_name, "kraken": VENUES.by_name["kraken"].model_copy(update={"title": "Kraken Pro"})}
    assert version_of(type(VENUES)(by_name, VENUES.sites)).digest != version.digest
