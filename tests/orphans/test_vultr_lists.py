"""Vultr's lists as its API v2 documents them: pages by cursor, errors, rate limits."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.orphans.owned import Mark
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.vultr import INSTANCE, RESERVED_IP, Vultr
from tests.orphans.conftest import Provider

SERVERS, ADDRESSES = "GET /v2/instances", "GET /v2/reserved-ips"


def server(id: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "os": "Debian 13 x64 (trixie)",
        "main_ip": "198.18.0.11",
        "region": "ewr",
        "plan": "vhp-4c-8gb-amd",
        "date_created": "2026-11-20T10:00:00+00:00",
        "status": "active",
        "label": "nj",
        "tag": "",
        "tags": list(tags),
        **more,
    }


def address(id: str, label: str) -> dict[str, Any]:
    return {
        "id": id, "region": "ewr", "ip_type": "v4", "subnet": "198.18.0.12", "subnet_size": 32, "label": label,
        "instance_id": "",
    }  # fmt: skip


def page(name: str, *rows: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {name: list(rows), "meta": {"total": len(rows), "links": {"next": following, "prev": ""}}}


@pytest.fixture
def vultr(provider: Provider) -> Vultr:
    return Vultr("secret-token", provider.url)


def test_servers_by_tag_and_addresses_by_label(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(
        SERVERS, page("instances", server("a", "fleet:prod", "host:nj"), server("b", "fleet:other"), server("c"))
    )
    provider.answers(ADDRESSES, page("reserved_ips", address("x", "fleet:prod nj"), address("y", "fleet:other nj")))

    found = vultr.list_owned(mark)

    assert [(one.type, one.id, one.host, one.what) for one in found] == [
        (INSTANCE, "a", "nj", "server"),
        (RESERVED_IP, "x", "nj", "address"),
    ]
    assert (found[0].address, found[0].plan, found[0].location) == ("198.18.0.11", "vhp-4c-8gb-amd", "ewr")
    assert found[0].created == "2026-11-20T10:00:00+00:00"
    assert {asked.headers["authorization"] for asked in provider.asked} == {"Bearer secret-token"}


def test_every_page_is_read(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, page("instances", server("a", "fleet:prod"), following="bmV4dF9f"))
    provider.answers(SERVERS, page("instances", server("b", "fleet:prod")))
    provider.answers(ADDRESSES, page("reserved_ips"))

    assert [one.id for one in vultr.list_owned(mark)] == ["a", "b"]
    assert [asked.query.get("cursor") for asked in provider.asked] == [None, "bmV4dF9f", None]


def test_pages_that_go_round_in_a_circle_end(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, page("instances", following="again"), times=3)

    with pytest.raises(ListingFailed, match="comes back to a page that it gave before"):
        vultr.list_owned(mark)


def test_a_server_that_is_still_being_made_has_no_address(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, page("instances", server("a", "fleet:prod", main_ip="0.0.0.0", status="pending")))
    provider.answers(ADDRESSES, page("reserved_ips"))

    assert vultr.list_owned(mark)[0].address == ""


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, '{"error":"Invalid API token.","status":401}',
         "Vultr: 401: it does not take the token in VULTR_API_KEY (Invalid API token.)"),
        (500, '{"error":"Internal server error.","status":500}',
         "Vultr: 500: it has a fault of its own (Internal server error.). Try again later"),
        (502, "<html>\n<title>502</title>", "Vultr: 502: it has a fault of its own (<html>). Try again later"),
        (200, '{"instances":[{"id":"a","pl', "Vultr: its answer on /v2/instances is cut short or no JSON"),
        (200, '{"instances":[{"id":"a"}],"meta":{}}',
         "Vultr: its answer on /v2/instances has another shape: instances.0.plan: Field required"),
        (200, '{"servers":[]}', "Vultr: its answer on /v2/instances has another shape: instances: Field required"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_one_clear_line(
    provider: Provider, vultr: Vultr, mark: Mark, status: int, body: str, told: str
) -> None:
    provider.answers(SERVERS, body, status)

    with pytest.raises(ListingFailed) as failure:
        vultr.list_owned(mark)

    assert str(failure.value) == told


def test_a_rate_limit_is_waited_for(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, {"error": "Rate limit reached.", "status": 429}, 429, times=2, Retry_After="0")
    provider.answers(SERVERS, page("instances", server("a", "fleet:prod")))
    provider.answers(ADDRESSES, page("reserved_ips"))

    assert len(vultr.list_owned(mark)) == 1
    assert len(provider.asked) == 4


def test_a_rate_limit_beyond_our_patience_says_how_long(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, {"error": "Rate limit reached.", "status": 429}, 429, Retry_After="3600")

    with pytest.raises(ListingFailed, match="asks to wait 3600 s more"):
        vultr.list_owned(mark)

    assert len(provider.asked) == 1


def test_no_answer_at_all(mark: Mark) -> None:
    with pytest.raises(ListingFailed, match=r"Vultr: no answer from 127\.0\.0\.1: "):
        Vultr("token", "http://127.0.0.1:9").list_owned(mark)


def test_each_kind_is_deleted_where_it_is(provider: Provider, vultr: Vultr, mark: Mark) -> None:
    provider.answers(SERVERS, page("instances", server("a", "fleet:prod")))
    provider.answers(ADDRESSES, page("reserved_ips", address("x", "fleet:prod nj")))
    provider.answers("DELETE /v2/instances/a", status=204)
    provider.answers("DELETE /v2/reserved-ips/x", status=204)

    for one in vultr.list_owned(mark):
        vultr.delete(one)

    assert [asked.path for asked in provider.asked if asked.method == "DELETE"] == [
        "/v2/instances/a",
        "/v2/reserved-ips/x",
    ]
