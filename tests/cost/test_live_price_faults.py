"""``fleet catalogue refresh`` when a provider's list does not arrive whole, or is not one: every provider, every fault.

Whatever it is, the fleet's catalogue stays as it is byte for byte, also the part of a provider that answered well, and
the user reads in one line what happened at which provider.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cost.conftest import Folder
from tests.cost.price_lists import (
    BUNDLES,
    EC2_TYPES,
    OCEAN,
    PRODUCTS,
    VULTR,
    bundle,
    bundles,
    ocean_page,
    plan,
    price_list,
    product,
    size,
    vultr_page,
)
from tests.orphans.conftest import Provider

AWS_ATTEMPTS = 4
"""boto3 repeats what is throttled or broken."""

TOO_LONG = {"Content-Length": "9999"}
"""More than comes."""

CALLS = {"vultr": VULTR, "digitalocean": OCEAN, "lightsail": BUNDLES, "ec2": PRODUCTS}
SERVICES = tuple(CALLS)


@dataclass(frozen=True)
class Answer:
    """What a provider answers, and how often."""

    document: Any
    status: int = 200
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


def whole(service: str) -> Any:
    """A list of one plan, as it should be."""
    return {
        "vultr": vultr_page(plan()),
        "digitalocean": ocean_page(size()),
        "lightsail": bundles(bundle()),
        "ec2": price_list(product("t3.medium", "us-east-1", "0.0416000000")),
    }[service]


def first_of_two(service: str) -> Any:
    """A page that another one follows."""
    return {
        "vultr": vultr_page(plan(), total=2, following="bmV4dF9f"),
        "digitalocean": ocean_page(size(), total=2, following="https://api.example/v2/sizes?page=2&per_page=200"),
        "lightsail": bundles(bundle(), following="2"),
        "ec2": price_list(product("t3.medium", "us-east-1", "0.0416000000"), following="2"),
    }[service]


def half(service: str) -> str:
    """Its text, cut in the middle; it says that this is all."""
    text = json.dumps(whole(service))
    return text[: len(text) // 2]


def aws(kind: str, message: str) -> dict[str, str]:
    """An error of AWS's JSON protocol."""
    return {"__type": kind, "message": message}


def throttled(service: str) -> Answer:
    """Too many requests, and an hour to wait; AWS names no time, and boto3 gives up after some attempts."""
    match service:
        case "vultr":
            return Answer({"error": "Rate limit exceeded", "status": 429}, 429, headers={"Retry-After": "3600"})
        case "digitalocean":
            body = {"id": "too_many_requests", "message": "API Rate limit exceeded."}
            return Answer(body, 429, headers={"Retry-After": "3600"})
    return Answer(aws("ThrottlingException", "Rate exceeded"), 429, times=AWS_ATTEMPTS)


# Fault -> provider -> what it answers, one after the other, and what the user is told.
# A provider that is not named cannot have the fault: AWS's lists do not say how long they are.
FAULTS: dict[str, dict[str, tuple[list[Answer], str]]] = {
    "cut short": {
        "vultr": ([Answer(half("vultr"))], "its answer on /v2/plans is cut short or no JSON"),
        "digitalocean": ([Answer(half("digitalocean"))], "its answer on /v2/sizes is cut short or no JSON"),
        "lightsail": ([Answer(half("lightsail"))], "its answer is cut short or has another shape: no 'bundles'"),
        "ec2": ([Answer(half("ec2"))], "its answer is cut short or has another shape: no 'PriceList'"),
    },
    "an entry is cut short": {
        # AWS's price list has texts that hold JSON.
        "ec2": ([Answer(price_list('{"product":'))], "an entry of its price list is cut short or no JSON"),
    },
    "the connection ends in the middle": {
        "vultr": ([Answer(half("vultr"), headers=TOO_LONG)], "no answer from 127.0.0.1: peer closed connection"),
        "digitalocean": ([Answer(half("digitalocean"), headers=TOO_LONG)], "127.0.0.1: peer closed connection"),
        "lightsail": ([Answer(half("lightsail"), headers=TOO_LONG)], "its answer is cut short or has another shape"),
        "ec2": ([Answer(half("ec2"), headers=TOO_LONG)], "its answer is cut short or has another shape"),
    },
    "a page for people": {
        service: ([Answer("<html>maintenance</html>")], "is cut short or ") for service in SERVICES
    },
    "another shape": {
        "vultr": ([Answer({"plans": [{"id": "x"}], "meta": {"total": 1}})], "another shape: plans.0.monthly_cost"),
        "digitalocean": ([Answer({"sizes": [{"slug": "x"}], "meta": {"total": 1}})], "another shape: sizes.0.memory"),
        "lightsail": ([Answer({"bundles": [{"bundleId": "x"}]})], "has another shape: no 'isActive'"),
        "ec2": ([Answer(price_list('{"product": {}, "terms": {}}'))], "has another shape: no 'attributes'"),
    },
    "no list at all": {
        "vultr": ([Answer({})], "another shape: plans: Field required"),
        "digitalocean": ([Answer({})], "another shape: sizes: Field required"),
        "lightsail": ([Answer({})], "has another shape: no 'bundles'"),
        "ec2": ([Answer({})], "has another shape: no 'PriceList'"),
    },
    "empty": {
        "vultr": ([Answer(vultr_page())], "its list of plans is empty"),
        "digitalocean": ([Answer(ocean_page())], "its list of plans is empty"),
        "lightsail": ([Answer(bundles())], "its list of plans is empty"),
        "ec2": ([Answer(price_list())], "its price list has no t3.medium"),
    },
    "for nothing": {
        "vultr": ([Answer(vultr_page(plan(monthly=0)))], "its list says that vhp-4c-8gb-amd costs nothing"),
        "digitalocean": ([Answer(ocean_page(size(monthly=0.0)))], "its list says that s-4vcpu-8gb costs nothing"),
        "lightsail": ([Answer(bundles(bundle(price=0.0)))], "its list says that large_3_0 costs nothing"),
        # Its zero is how it writes what a region does not sell.
        "ec2": (
            [Answer(price_list(product("t3.medium", "us-east-1", "0.0000000000")))],
            "its price list has no t3.medium",
        ),
    },
    "a price that is no number": {
        "vultr": ([Answer(vultr_page(plan(monthly=float("nan"))))], "another shape: plans.0.monthly_cost"),
        "digitalocean": ([Answer(ocean_page(size(monthly=float("nan"))))], "another shape: sizes.0.price_monthly"),
        "lightsail": ([Answer(bundles(bundle(price=float("nan"))))], "its list says that large_3_0 costs NaN"),
        "ec2": (
            [Answer(price_list(product(kind, "us-east-1", "NaN"))) for kind in EC2_TYPES],
            "its list says that t3.medium costs NaN, which is no price",
        ),
    },
    "a page is missing": {
        "vultr": ([Answer(vultr_page(plan(), total=151))], "its list /v2/plans has 151 plans, 1 arrived"),
        "digitalocean": ([Answer(ocean_page(size(), total=151))], "its list /v2/sizes has 151 sizes, 1 arrived"),
    },
    "the second page fails": {
        "vultr": ([Answer(first_of_two("vultr")), Answer({"error": "Server error"}, 500)], "500: it has a fault"),
        "digitalocean": (
            [Answer(first_of_two("digitalocean")), Answer({"message": "Server Error"}, 500)],
            "500: it has a fault of its own (Server Error). Try again later",
        ),
        "lightsail": ([Answer(first_of_two("lightsail")), Answer(half("lightsail"))], "is cut short or has"),
        "ec2": ([Answer(first_of_two("ec2")), Answer(half("ec2"))], "is cut short or has"),
    },
    "pages in a circle": {
        "vultr": ([Answer(first_of_two("vultr"), times=3)], "comes back to a page that it gave before"),
        "digitalocean": ([Answer(first_of_two("digitalocean"), times=3)], "comes back to a page that it gave before"),
        "lightsail": ([Answer(first_of_two("lightsail"), times=3)], "The same next token was received twice"),
        "ec2": ([Answer(first_of_two("ec2"), times=3)], "The same next token was received twice"),
    },
    "401": {
        # Vultr's list needs no token; an address that its account does not allow gets this all the same.
        "vultr": ([Answer({"error": "Invalid API token.", "status": 401}, 401)], "401: it does not take the token"),
        "digitalocean": (
            [Answer({"id": "Unauthorized", "message": "Unable to authenticate you"}, 401)],
            "401: it does not take the token in DIGITALOCEAN_TOKEN (Unable to authenticate you)",
        ),
        "lightsail": (
            [Answer(aws("UnrecognizedClientException", "The security token is invalid."), 401)],
            "401 UnrecognizedClientException: The security token is invalid.",
        ),
        "ec2": (
            [Answer(aws("UnrecognizedClientException", "The security token is invalid."), 400)],
            "400 UnrecognizedClientException: The security token is invalid.",
        ),
    },
    "403": {
        "digitalocean": (
            [Answer({"id": "Forbidden", "message": "You are missing sizes:read"}, 403)],
            "403: it does not take the token in DIGITALOCEAN_TOKEN (You are missing sizes:read)",
        ),
        "lightsail": (
            [Answer(aws("AccessDeniedException", "User is not authorized to perform: lightsail:GetBundles"), 403)],
            "403 AccessDeniedException: User is not authorized to perform: lightsail:GetBundles",
        ),
        "ec2": (
            [Answer(aws("AccessDeniedException", "User is not authorized to perform: pricing:GetProducts"), 400)],
            "AccessDeniedException: User is not authorized to perform: pricing:GetProducts",
        ),
    },
    "429": {
        "vultr": ([throttled("vultr")], "too many requests (429); it asks to wait 3600 s more. Try again then"),
        "digitalocean": ([throttled("digitalocean")], "too many requests (429); it asks to wait 3600 s more"),
        "lightsail": ([throttled("lightsail")], "429 ThrottlingException: Rate exceeded"),
        "ec2": ([throttled("ec2")], "429 ThrottlingException: Rate exceeded"),
    },
    "500": {
        "vultr": ([Answer({"error": "Server error", "status": 500}, 500)], "500: it has a fault of its own"),
        "digitalocean": ([Answer({"id": "server_error", "message": "Server Error"}, 500)], "500: it has a fault of"),
        "lightsail": ([Answer(aws("ServiceException", "Try later"), 500, times=4)], "500 ServiceException: Try later"),
        "ec2": ([Answer(aws("InternalErrorException", "Try later"), 500, times=4)], "500 InternalErrorException: Try"),
    },
}  # fmt: skip

TITLES = {"vultr": "Vultr: ", "digitalocean": "DigitalOcean: ", "lightsail": "AWS lightsail", "ec2": "AWS "}


@pytest.mark.parametrize(
    ("service", "answers", "told"),
    [
        pytest.param(service, answers, told, id=f"{service}, {fault}")
        for fault, providers in FAULTS.items()
        for service, (answers, told) in providers.items()
    ],
)
def test_on_any_fault_the_catalogue_stays_as_it_is(
    fleet, folder: Folder, lists: Provider, service: str, answers: list[Answer], told: str
) -> None:
    other = "vultr" if service != "vultr" else "digitalocean"
    for name in (service, other):
        folder.write(f"catalogue/{name}.yaml", f"# {name}, read some day\nplans:   []\n")
    before = {path.name: path.read_bytes() for path in (folder.root / "catalogue").iterdir()}
    lists.answers(CALLS[other], whole(other))
    for answer in answers:
        lists.answers(CALLS[service], answer.document, answer.status, answer.times, **answer.headers)

    said = fleet("catalogue", "refresh", other, service, "--yes")

    assert said.code == 1
    first, line, *rest = said.err.splitlines()
    assert first == "error: the catalogue stays as it is:"
    assert line.startswith(f"  {TITLES[service]}")
    assert told in line
    assert rest == []
    assert "dop-secret" not in said.out + said.err
    # Also what arrived well is not written: all that was asked for, or nothing.
    assert {path.name: path.read_bytes() for path in (folder.root / "catalogue").iterdir()} == before


def test_every_provider_has_every_fault_that_it_can_have() -> None:
    for fault in FAULTS.keys() - {"an entry is cut short", "a page is missing", "403"}:
        assert set(FAULTS[fault]) == set(SERVICES), fault


def test_several_faults_are_told_together(fleet, folder: Folder, lists: Provider) -> None:
    for service in SERVICES:
        lists.answers(CALLS[service], half(service))
    said = fleet("catalogue", "refresh", *SERVICES, "--yes")
    assert said.code == 1
    assert [line.split(":")[0].strip() for line in said.err.splitlines()[1:]] == [
        "Vultr", "DigitalOcean", "AWS lightsail us-east-1", "AWS pricing us-east-1"
    ]  # fmt: skip
    assert not (folder.root / "catalogue").exists()


@pytest.mark.parametrize("service", ["vultr", "digitalocean"])
def test_a_short_rate_limit_is_waited_out(fleet, lists: Provider, service: str) -> None:
    lists.answers(CALLS[service], {"message": "Rate limit exceeded"}, status=429, Retry_After="0")
    lists.answers(CALLS[service], whole(service))
    assert fleet("catalogue", "refresh", service, "--yes").code == 0
    assert len(lists.asked) == 2


def test_aws_throttling_is_waited_out_by_its_own_client(fleet, lists: Provider) -> None:
    lists.answers(BUNDLES, aws("ThrottlingException", "Rate exceeded"), status=400)
    lists.answers(BUNDLES, whole("lightsail"))
    assert fleet("catalogue", "refresh", "lightsail", "--yes").code == 0
    assert len(lists.asked) == 2


@pytest.mark.parametrize(
    ("service", "variable", "title"),
    [
        ("vultr", "FLEET_VULTR_URL", "Vultr: no answer from 127.0.0.1"),
        ("digitalocean", "DIGITALOCEAN_API_URL", "DigitalOcean: no answer from 127.0.0.1"),
        ("lightsail", "AWS_ENDPOINT_URL", "AWS lightsail us-east-1: Could not connect to the endpoint URL"),
    ],
)
def test_an_unreachable_provider_is_one_line(
    fleet, lists: Provider, monkeypatch: pytest.MonkeyPatch, service: str, variable: str, title: str
) -> None:
    # Port 9 of the loopback: nobody listens there.
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    said = fleet("catalogue", "refresh", service, "--yes")
    assert said.code == 1
    assert re.fullmatch(rf"error: the catalogue stays as it is:\n  {re.escape(title)}[^\n]*\n", said.err)
