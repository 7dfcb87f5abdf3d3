"""The catalogue of venues and the default fleet's use of them: the specification's table of regions."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fleet import catalogue
from fleet.catalogue.venues import load_venues
from fleet.configuration import Configuration, load

ROOT = Path(__file__).parents[2]
VENUES = load_venues()

TABLE = {
    "nj": (
        {"alpaca", "coinbase", "binance-us", "interactive-brokers", "tradestation"},
        {"polygon", "alpaca-data", "tiingo", "eodhd", "alpha-vantage", "fmp", "finnhub"},
        ("questdb", "redis", "trading", "data"),
    ),
    "sg": (
        {"binance", "bybit", "mexc", "interactive-brokers"},
        {"coingecko", "binance-market-data", "ib-market-data"},
        ("questdb", "redis", "trading", "data"),
    ),
    "ldn": (
        {"interactive-brokers", "kraken", "binance"},
        {"ib-market-data", "eodhd", "twelve-data"},
        ("questdb", "redis", "trading", "data"),
    ),
    "chi": ({"ninjatrader", "interactive-brokers", "tradestation"}, {"cme", "cboe"}, ("redis", "trading", "data")),
    "tyo": ({"interactive-brokers", "binance"}, {"ib-market-data"}, ("questdb", "redis", "trading", "data")),
    "fra": ({"interactive-brokers", "kraken"}, {"ib-market-data"}, ("redis", "trading", "data")),
    "hub": (set(), {"twelve-data", "yfinance", "coingecko"}, ("questdb", "redis", "hub")),
}
"""Brokers, sources of data and bundles, by region."""


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(ROOT)


def test_ten_brokers_and_ten_data_providers() -> None:
    kinds = [venue.kind for venue in VENUES.values()]
    assert (kinds.count("broker"), kinds.count("data")) == (10, 10)


def test_every_broker_and_data_provider_says_when_it_trades_by_a_clock_that_exists() -> None:
    for venue in VENUES.values():
        assert venue.hours or venue.kind == "feed", venue.name
        for hours in venue.hours:
            assert ZoneInfo(hours.zone).key == hours.zone
    [new_york] = VENUES["alpaca"].hours
    assert (new_york.opens, new_york.closes, new_york.zone) == ("09:30", "16:00", "America/New_York")


def test_mexc_is_disabled_and_kraken_in_progress() -> None:
    assert {name: venue.status for name, venue in VENUES.items() if venue.status != "active"} == {
        "mexc": "disabled",
        "kraken": "in-progress",
    }


def test_the_catalogue_assigns_the_table() -> None:
    for region, (brokers, data, _) in TABLE.items():
        assert {name for name, venue in VENUES.items() if region in venue.regions} == brokers | data


@pytest.mark.parametrize("region", TABLE)
def test_each_region_uses_its_row_of_the_table(region: str, configuration: Configuration) -> None:
    brokers, data, bundles = TABLE[region]
    assert {use.venue for use in configuration.stacks[region].venues} == (brokers | data) - {"mexc"}
    assert configuration.stacks[region].bundles == bundles


def test_each_account_is_traded_from_exactly_one_region(configuration: Configuration) -> None:
    uses = [use for stack in configuration.stacks.values() for use in stack.venues]
    accounts = {(use.venue, use.account) for use in uses if VENUES[use.venue].kind == "broker"}
    for account in accounts:
        assert sum((use.venue, use.account) == account and use.mode == "active" for use in uses) == 1


def test_hosting_names_places_of_the_catalogue() -> None:
    places = catalogue.load().places
    named = {venue.hosting.place for venue in VENUES.values() if venue.hosting and venue.hosting.place}
    assert named
    assert named <= set(places)


def test_a_feed_is_read_through_a_broker() -> None:
    feeds = [venue for venue in VENUES.values() if venue.via]
    assert feeds
    assert all(VENUES[venue.via].kind == "broker" for venue in feeds)


def test_a_credential_has_a_name_and_a_variable_of_its_own_within_its_venue() -> None:
    for venue in VENUES.values():
        assert len({one.name for one in venue.all_credentials}) == len(venue.all_credentials)
        assert len(set(venue.variables)) == len(venue.variables)


def test_an_existing_host_that_does_not_say_its_memory_is_not_judged(tmp_path: Path) -> None:
    for file in (ROOT / "fleet.yaml", *ROOT.glob("Pulumi.*.yaml")):
        (tmp_path / file.name).write_text(file.read_text().replace("      memory_gb: 16\n", ""))
    assert load(tmp_path).stacks["hub"].hosts["main"].memory_gb is None  # type: ignore[union-attr]
    assert load(tmp_path).stacks["hub"].bundles
