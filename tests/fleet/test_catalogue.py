"""The catalogue is consistent with itself, and with physics."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fleet import catalogue
from fleet.catalogue.physics import floor_ms

CATALOGUE = catalogue.load()


def test_every_row_says_where_it_is_from_and_when_it_was_read() -> None:
    rows = (*CATALOGUE.places.values(), *CATALOGUE.services.values(), *CATALOGUE.locations, *CATALOGUE.plans)
    assert all(len(row.source) > 10 for row in rows)
    assert all(row.as_of.year >= 2026 for row in rows)


def test_every_location_is_of_a_known_service_and_place() -> None:
    for location in CATALOGUE.locations:
        assert location.service in CATALOGUE.services, location
        assert {location.place, *location.near} <= set(CATALOGUE.places), location


def test_no_location_and_no_plan_stands_twice() -> None:
    for rows in (CATALOGUE.locations, CATALOGUE.plans):
        keys = [(row.service, row.name) for row in rows]
        assert len(keys) == len(set(keys))


def test_plans_name_locations_of_their_service() -> None:
    for plan in CATALOGUE.plans:
        known = {location.name for location in CATALOGUE.locations_of(plan.service)}
        assert known >= set(plan.locations or ()), plan.name
        assert known >= set(plan.price_locations or ()), plan.name


def test_a_month_costs_at_most_its_hours_and_at_least_600() -> None:
    for plan in CATALOGUE.plans:
        if plan.hourly_usd is not None and plan.monthly_usd is not None:
            assert 600 <= plan.monthly_usd / plan.hourly_usd <= 744, plan.name


def test_an_unknown_price_is_none_and_never_zero() -> None:
    assert CATALOGUE.monthly_usd("ec2", "t3.medium", "us-east-1") == Decimal("30.37")
    assert CATALOGUE.monthly_usd("ec2", "t3.medium", "eu-west-2") is None
    assert CATALOGUE.monthly_usd("vultr", "vhp-4c-8gb-amd", "sao") is None
    assert CATALOGUE.monthly_usd("vultr", "no-such-plan", "ewr") is None
    assert all(plan.monthly_usd != 0 for plan in CATALOGUE.plans)


def test_new_jersey_can_be_served_from_virginia_where_a_provider_has_nothing_nearer() -> None:
    assert [site.name for site in CATALOGUE.locations_for("vultr", "new-jersey")] == ["ewr"]
    assert [site.name for site in CATALOGUE.locations_for("lightsail", "new-jersey")] == ["us-east-1"]
    assert [site.name for site in CATALOGUE.locations_for("ec2", "virginia")] == ["us-east-1"]


def test_chicago_has_one_provider() -> None:
    assert CATALOGUE.services_for("chicago") == ("vultr",)


@pytest.mark.parametrize(
    ("one", "other", "published_ms"),
    [
        ("cdmx", "new-jersey", 32.8),
        ("cdmx", "chicago", 26.7),
        ("cdmx", "london", 87.4),
        ("cdmx", "singapore", 162.6),
        ("cdmx", "tokyo", 110.8),
        ("new-jersey", "london", 54.6),
        ("new-jersey", "tokyo", 106.2),
        ("london", "frankfurt", 6.2),
        ("london", "tokyo", 93.6),
        ("singapore", "tokyo", 52.0),
        ("chicago", "new-jersey", 11.1),
    ],
)
def test_coordinates_give_the_published_floors_of_round_trips(one: str, other: str, published_ms: float) -> None:
    assert floor_ms(CATALOGUE.places[one], CATALOGUE.places[other]) == pytest.approx(published_ms, rel=0.02)
