"""DigitalOcean's lists as its API v2 documents them; its reserved addresses carry no tags."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.orphans.owned import Mark
from fleet.orphans.providers.digitalocean import DROPLET, DigitalOcean
from fleet.orphans.providers.listing import ListingFailed
from tests.orphans.conftest import Provider

DROPLETS, ADDRESSES = "GET /v2/droplets", "GET /v2/reserved_ips"


def droplet(id: int, *tags: str) -> dict[str, Any]:
    return {
        "id": id,
        "name": "sg",
        "memory": 8192,
        "status": "active",
        "created_at": "2026-11-20T10:00:00Z",
        "size_slug": "s-4vcpu-8gb",
        "networks": {
            "v4": [
                {"ip_address": "10.104.0.2", "netmask": "255.255.240.0", "gateway": "10.104.0.1", "type": "private"},
                {"ip_address": "198.18.0.21", "netmask": "255.255.240.0", "gateway": "198.18.0.1", "type": "public"},
            ],
            "v6": [],
        },
        "region": {"name": "Singapore 1", "slug": "sgp1", "available": True},
        "tags": list(tags),
    }


def address(ip: str, holder: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"ip": ip, "droplet": holder, "region": {"slug": "sgp1"}, "locked": False, "project_id": "p"}


@pytest.fixture
def digitalocean(provider: Provider) -> DigitalOcean:
    return DigitalOcean("secret-token", provider.url)


def test_a_droplet_of_ours(provider: Provider, digitalocean: DigitalOcean, mark: Mark) -> None:
    provider.answers(DROPLETS, {"droplets": [droplet(7, "fleet:prod", "host:sg")], "links": {}, "meta": {"total": 1}})
    provider.answers(ADDRESSES, {"reserved_ips": [], "links": {}, "meta": {"total": 0}})

    (found,) = digitalocean.list_owned(mark)

    assert (found.type, found.id, found.host, found.address) == (DROPLET, "7", "sg", "198.18.0.21")
    assert (found.plan, found.location, found.created) == ("s-4vcpu-8gb", "sgp1", "2026-11-20T10:00:00Z")
    assert provider.asked[0].query["tag_name"] == "fleet:prod"


def test_whose_an_address_is(provider: Provider, digitalocean: DigitalOcean, mark: Mark) -> None:
    rows = [
        address("198.18.0.31", droplet(7, "fleet:prod", "host:sg")),
        address("198.18.0.32"),
        address("198.18.0.33", droplet(8, "somebody")),
    ]
    provider.answers(DROPLETS, {"droplets": [], "links": {}, "meta": {"total": 0}})
    provider.answers(ADDRESSES, {"reserved_ips": rows, "links": {}, "meta": {"total": 3}})

    found = {one.id: (one.certain, one.host) for one in digitalocean.list_owned(mark)}

    assert found == {"198.18.0.31": (True, "sg"), "198.18.0.32": (False, None)}


def test_every_page_is_read_and_the_token_stays_with_its_host(
    provider: Provider, digitalocean: DigitalOcean, mark: Mark
) -> None:
    following = "https://elsewhere.example/v2/droplets?page=2&per_page=200&tag_name=fleet%3Aprod"
    first = {"droplets": [droplet(1, "fleet:prod")], "links": {"pages": {"next": following, "last": following}}}
    provider.answers(DROPLETS, first)
    provider.answers(DROPLETS, {"droplets": [droplet(2, "fleet:prod")], "links": {"pages": {"first": "x"}}})
    provider.answers(ADDRESSES, {"reserved_ips": [], "links": {}})

    assert [one.id for one in digitalocean.list_owned(mark)] == ["1", "2"]
    assert provider.asked[1].query == {"page": "2", "per_page": "200", "tag_name": "fleet:prod"}


def test_a_refused_token_is_named(provider: Provider, digitalocean: DigitalOcean, mark: Mark) -> None:
    provider.answers(DROPLETS, {"id": "Unauthorized", "message": "Unable to authenticate you"}, 401)

    with pytest.raises(ListingFailed) as failure:
        digitalocean.list_owned(mark)

    assert str(failure.value) == (
        "DigitalOcean: 401: it does not take the token in DIGITALOCEAN_TOKEN (Unable to authenticate you)"
    )
