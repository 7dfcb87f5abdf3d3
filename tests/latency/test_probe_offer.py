"""What a probe costs: the cheapest server of a place, by the hour, with everything that is billed with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from fleet import catalogue
from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.prices import PriceList
from fleet.latency.probe_offer import NoOffer, cheapest_offer
from fleet.model.stack import Ec2Host, VultrHost
from infra.probe import probe_host


@pytest.fixture(scope="module")
def prices() -> PriceList:
    return load_prices(catalogue.load())


def test_a_servers_hour_has_its_share_of_the_addresss_month(prices: PriceList) -> None:
    offer = cheapest_offer(prices, "tokyo")
    assert (offer.service, offer.provider, offer.location, offer.plan) == ("", "vultr", "nrt", "vc2-1c-1gb")
    # Vultr: $0.007 an hour for vc2-1c-1gb; a reserved address is $3 a month, of which an hour is 1/730.
    assert offer.hour_usd == Decimal("0.007") + Decimal(3) / 730
    assert offer.month_usd == Decimal(8)


def test_of_two_providers_the_cheaper_by_the_hour_is_taken_unless_one_is_named(prices: PriceList) -> None:
    cheapest = cheapest_offer(prices, "singapore")
    for provider in ("vultr", "digitalocean", "aws"):
        named = cheapest_offer(prices, "singapore", provider)
        assert named.provider == provider
        assert named.hour_usd >= cheapest.hour_usd


def test_a_place_without_a_known_price_is_refused_with_those_that_have_one(prices: PriceList) -> None:
    with pytest.raises(NoOffer, match=r"'querétaro': no server .* Places that have one: .*cdmx.*tokyo"):
        cheapest_offer(prices, "querétaro")
    with pytest.raises(NoOffer, match="at digitalocean there"):
        cheapest_offer(prices, "tokyo", "digitalocean")


@pytest.mark.parametrize("part", ["static address", "disk"])
def test_a_server_with_a_part_whose_price_is_not_known_is_no_offer(prices: PriceList, part: str) -> None:
    at_ec2 = cheapest_offer(prices, "virginia", "aws")
    assert at_ec2.service == "ec2"
    poorer = replace(prices, charges={key: row for key, row in prices.charges.items() if key != ("ec2", part)})
    # Lightsail counts a part of a month as a whole one: far dearer, and known.
    assert cheapest_offer(poorer, "virginia", "aws").service == "lightsail"
    nothing = replace(prices, charges={key: row for key, row in prices.charges.items() if key[1] != "static address"})
    with pytest.raises(NoOffer, match=r"no server with a known price there\. Places that have one: none"):
        cheapest_offer(nothing, "tokyo")


def test_the_stack_file_says_the_server_that_the_offer_is(prices: PriceList) -> None:
    vultr = probe_host(cheapest_offer(prices, "tokyo").values(generation=1764000000))
    assert isinstance(vultr, VultrHost)
    assert (vultr.location, vultr.plan, vultr.image, vultr.generation) == ("nrt", "vc2-1c-1gb", "debian-13", 1764000000)
    assert isinstance(probe_host(cheapest_offer(prices, "virginia", "aws").values(generation=1)), Ec2Host)
