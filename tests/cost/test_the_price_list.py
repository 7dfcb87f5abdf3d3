"""The rows about money are consistent with themselves: each with its origin, nothing twice, nothing for nothing."""

from __future__ import annotations

from decimal import Decimal

from fleet.catalogue.market import load_market, load_specification_costs
from fleet.catalogue.prices import PriceList
from fleet.catalogue.reading import rows

TABLES = (
    "plans", "billing", "transfer", "charges", "market", "market_locations", "listed_charges", "sellers",
    "specification_costs",
)  # fmt: skip
KEYS = {"billing": ("service",), "transfer": ("service",), "sellers": ("name",), "specification_costs": ("place",)}


def test_every_row_says_where_it_is_from_and_when_it_was_read() -> None:
    for table in TABLES:
        for row in rows(table):
            assert len(row["source"]) > 10, (table, row)
            assert row["as_of"], (table, row)


def test_no_row_stands_twice() -> None:
    for table in TABLES:
        keys = [tuple(row[name] for name in KEYS.get(table, ("service", "name"))) for row in rows(table)]
        assert len(keys) == len(set(keys)), table


def test_everything_that_can_be_rented_has_its_rules(prices: PriceList) -> None:
    for service in prices.catalogue.services:
        assert service in prices.billing
        assert service in prices.transfer
        assert prices.charge(service, "static address") is not None


def test_what_is_known_of_sellers_that_cannot_be_rented_from_is_in_the_rules(prices: PriceList) -> None:
    market = load_market()
    compared = {name for name, seller in market.sellers.items() if not seller.rentable and not seller.quote_only}
    assert compared == {"linode", "hetzner", "ovh"}
    assert compared <= set(prices.billing)
    assert compared <= set(prices.transfer)
    # 20 % of the server at both; what others ask for is not known.
    assert {row.service: row.usd for row in prices.charges.values() if row.name == "backups"} == {
        "vultr": Decimal("0.20"),
        "hetzner": Decimal("0.20"),
    }
    # Prices of traffic in euro stand in the note, and none is taken for dollars.
    assert (prices.transfer["hetzner"].rate("sin"), prices.transfer["ovh"].rate("SGP1")) == (None, None)
    assert "EUR 7.40 in Singapore" in prices.transfer["hetzner"].note
    assert "EUR 0.01 a GB" in prices.transfer["ovh"].note
    assert market.listed("hetzner", "static address") == "EUR 0.50 a month"


def test_locations_of_rules_and_of_the_market_exist(prices: PriceList) -> None:
    for service, rule in prices.transfer.items():
        known = {site.name for site in prices.catalogue.locations_of(service)}
        assert set(rule.locations) <= known, service
    market = load_market()
    for site in market.locations:
        assert site.service in market.sellers
        assert {site.place, *site.near} <= set(prices.catalogue.places), site
    assert {plan.service for plan in market.plans} <= set(market.sellers)


def test_sellers_are_the_rentable_services_and_those_to_compare_with(prices: PriceList) -> None:
    sellers = load_market().sellers
    assert {name for name, seller in sellers.items() if seller.rentable} == set(prices.catalogue.services)
    assert {"linode", "hetzner", "ovh", "equinix"} <= set(sellers)
    assert sellers["equinix"].quote_only
    assert not any(plan.service == "equinix" for plan in load_market().plans)


def test_a_price_in_another_currency_is_kept_as_listed_and_never_converted() -> None:
    for plan in load_market().plans:
        assert plan.monthly_usd is not None or plan.list_price, plan.name


def test_what_is_listed_in_another_currency_has_no_price_in_dollars_beside_it(prices: PriceList) -> None:
    market = load_market()
    for service, name in market.charges:
        assert service in market.sellers
        assert (service, name) not in prices.charges
        assert "USD" not in market.listed(service, name)


def test_the_specifications_rows_add_up_to_its_total() -> None:
    claims = load_specification_costs()
    assert [claim.monthly_usd for claim in claims] == [Decimal(usd) for usd in ("30", "70", "65", "70", "100")]
    assert sum(claim.monthly_usd for claim in claims) == Decimal(335)
