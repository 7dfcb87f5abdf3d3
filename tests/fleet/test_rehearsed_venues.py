"""The venues of a rehearsed fleet: under their names, as far away as the catalogue says, refusing whom they refuse."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fleet.catalogue.physics import SAME_METRO_MS
from fleet.catalogue.round_trips import load_round_trips
from fleet.catalogue.venues import load_venues
from fleet.configuration import load
from fleet.rehearsal.internet import venues_internet
from lab.internet.table import Internet, Site, Way
from lab.state import Machine

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def internet() -> Internet:
    return venues_internet(load(CHECKOUT))


def site(internet: Internet, name: str) -> Site:
    return next(site for site in internet.sites if site.name == name)


def test_every_endpoint_of_a_broker_or_data_provider_is_there_on_its_port(internet: Internet) -> None:
    for venue in load_venues().values():
        if venue.kind == "feed":
            continue
        for endpoint in venue.endpoints:
            parts = urlsplit(endpoint.url if "//" in endpoint.url else f"//{endpoint.url}")
            found = site(internet, parts.hostname or "")
            ports = found.tcp_ports if endpoint.transport == "tcp" else found.tls_ports
            assert (parts.port or 443) in ports, endpoint.url


def test_a_venue_is_as_far_as_the_catalogue_says(internet: Internet) -> None:
    between = load_round_trips().between
    kraken = site(internet, "api.kraken.com")
    for place in ("cdmx", "new-jersey", "singapore", "london"):
        assert kraken.ways[place] == Way(between(place, "london").ms)
    assert kraken.headers == {}


def test_the_names_of_a_venue_in_several_places_are_each_in_theirs(internet: Internet) -> None:
    between = load_round_trips().between
    assert site(internet, "ndc1.ibllc.com").ways["cdmx"] == Way(between("cdmx", "new-jersey").ms)
    assert site(internet, "cdc1.ibllc.com").ways["cdmx"] == Way(between("cdmx", "chicago").ms)


def test_behind_a_content_network_packets_are_near_and_answers_as_far_as_the_venue(internet: Internet) -> None:
    coinbase = site(internet, "api.exchange.coinbase.com")
    away = load_round_trips().between("singapore", "virginia").ms
    assert coinbase.ways["singapore"] == Way(SAME_METRO_MS, answer_ms=away - SAME_METRO_MS)
    assert "CF-Ray" in coinbase.headers


def test_what_is_an_edge_everywhere_is_near_from_everywhere(internet: Internet) -> None:
    assert set(site(internet, "api.twelvedata.com").ways.values()) == {Way(SAME_METRO_MS)}


@pytest.mark.parametrize(
    ("name", "place", "status"),
    [
        ("api.binance.com", "new-jersey", 451),
        ("api.binance.com", "chicago", 451),
        ("api.binance.com", "tokyo", 200),
        ("api.bybit.com", "new-jersey", 403),
        ("api.bybit.com", "singapore", 200),
        ("api.binance.us", "new-jersey", 200),
    ],
)
def test_whoever_comes_from_a_refused_country_gets_the_venues_own_status(
    internet: Internet, name: str, place: str, status: int
) -> None:
    assert site(internet, name).ways[place].status == status


def test_a_server_is_where_its_provider_has_put_it_and_the_hub_where_the_fleet_says(internet: Internet) -> None:
    assert internet.origin_of(Machine("i", "nj", "vultr", "direct", "", labels={"region": "ewr"})) == "new-jersey"
    assert internet.origin_of(Machine("i", "p", "aws", "nat", "", labels={"zone": "ap-northeast-1a"})) == "tokyo"
    assert internet.origin_of(Machine("existing-hub", "hub", "existing", "direct", "")) == "cdmx"
