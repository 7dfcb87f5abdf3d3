"""Each seller's own rule at its edges: months of 27, 28, 30 and 31 days; 671, 672 and 673 hours."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.catalogue.catalogue import LocationPrice
from fleet.catalogue.prices import PriceList
from fleet.cost.money import cents
from fleet.cost.rental import rent

PLANS = {"vultr": "vhp-4c-8gb-amd", "digitalocean": "s-4vcpu-8gb", "lightsail": "large_3_0", "ec2": "c7i.xlarge"}
PLACES = {"vultr": "ewr", "digitalocean": "sgp1", "lightsail": "us-east-1", "ec2": "us-east-1"}


def month(prices: PriceList, service: str, hours: str, plan: str = "") -> str:
    row = prices.catalogue.plan(service, plan or PLANS[service])
    assert row is not None
    price = row.price_at(PLACES[service])
    assert price is not None
    found = rent(price, prices.billing[service], Decimal(hours))
    assert found is not None
    return str(cents(found.usd))


@pytest.mark.parametrize(
    ("hours", "usd"),
    [
        # 27 days: 648 x 0.066 = 42.768
        ("648", "42.77"),
        # 28 days: 672 x 0.066 = 44.352
        ("671", "44.29"),
        ("672", "44.35"),
        ("673", "44.42"),
        # 30 days: 720 x 0.066 = 47.52
        ("720", "47.52"),
        # From 728 hours on 0.066 an hour is more than 48.
        ("727", "47.98"),
        ("728", "48.00"),
        ("730", "48.00"),
        ("744", "48.00"),
        # A started hour is a whole one.
        ("0.01", "0.07"),
        ("0", "0.00"),
    ],
)
def test_vultr_started_hours_up_to_the_month_of_730(prices: PriceList, hours: str, usd: str) -> None:
    assert month(prices, "vultr", hours) == usd


def test_a_month_of_730_hours_is_the_monthly_price_though_the_hours_come_to_less(prices: PriceList) -> None:
    # 729 x 0.027 = 19.683; 730 x 0.027 = 19.71, and the month is listed at 20.
    assert month(prices, "vultr", "729", "vc2-2c-4gb") == "19.68"
    assert month(prices, "vultr", "730", "vc2-2c-4gb") == "20.00"


def test_without_an_hourly_price_a_part_of_the_month_is_its_share(prices: PriceList) -> None:
    # vc2-6c-16gb: 80 a month, 80 x 365 / 730 = 40.
    assert month(prices, "vultr", "365", "vc2-6c-16gb") == "40.00"


@pytest.mark.parametrize(
    ("hours", "usd"),
    [
        # 27 days: 648 x 0.07143 = 46.28664
        ("648", "46.29"),
        # 671 x 0.07143 = 47.92953
        ("671", "47.93"),
        ("672", "48.00"),
        ("673", "48.00"),
        ("720", "48.00"),
        ("744", "48.00"),
        # Per second: half an hour is half of it, 0.5 x 0.07143 = 0.035715
        ("0.5", "0.04"),
        ("0", "0.00"),
    ],
)
def test_digitalocean_seconds_up_to_the_month_of_672(prices: PriceList, hours: str, usd: str) -> None:
    assert month(prices, "digitalocean", hours) == usd


def test_digitalocean_bills_a_minute_at_the_least(prices: PriceList) -> None:
    row = prices.catalogue.plan("digitalocean", "s-4vcpu-8gb")
    assert row is not None
    price = row.price_at("sgp1")
    assert price is not None
    for hours in ("0.0001", "0.01"):
        found = rent(price, prices.billing["digitalocean"], Decimal(hours))
        assert found is not None
        assert found.hours == Decimal(60) / 3600


@pytest.mark.parametrize("hours", ["1", "648", "671", "672", "673", "720", "744"])
def test_lightsail_is_flat(prices: PriceList, hours: str) -> None:
    assert month(prices, "lightsail", hours) == "44.00"


def test_lightsail_costs_nothing_where_there_is_nothing(prices: PriceList) -> None:
    assert month(prices, "lightsail", "0") == "0.00"


@pytest.mark.parametrize(
    ("hours", "usd"),
    # 0.1785 an hour without a ceiling: 648, 672, 720, 744 hours.
    [("648", "115.67"), ("672", "119.95"), ("720", "128.52"), ("730", "130.31"), ("744", "132.80")],
)
def test_ec2_has_no_ceiling(prices: PriceList, hours: str, usd: str) -> None:
    assert month(prices, "ec2", hours) == usd


@given(
    service=st.sampled_from(sorted(PLANS)),
    hours=st.tuples(*[st.decimals(min_value=0, max_value=744, places=3)] * 2),
)
def test_more_hours_never_cost_less(prices: PriceList, service: str, hours: tuple[Decimal, Decimal]) -> None:
    fewer, more = sorted(hours)
    assert Decimal(month(prices, service, str(fewer))) <= Decimal(month(prices, service, str(more)))


def test_a_price_that_the_rule_needs_and_that_is_not_known_gives_none(prices: PriceList) -> None:
    only_monthly, only_hourly = LocationPrice(monthly_usd=Decimal(5)), LocationPrice(hourly_usd=Decimal("0.01"))
    assert rent(only_monthly, prices.billing["ec2"], Decimal(730)) is None
    assert rent(only_hourly, prices.billing["lightsail"], Decimal(730)) is None
    assert rent(LocationPrice(), prices.billing["vultr"], Decimal(730)) is None
