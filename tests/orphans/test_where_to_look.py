"""Where orphans are looked for: with which credentials, in which regions, and what is said where there are none."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from fleet.configuration import Configuration, load
from fleet.orphans.comparison import Known, StackState
from fleet.orphans.owned import Owned
from fleet.orphans.search import Findings, NotLooked, monthly_usd, sources
from fleet.orphans.summary import count_orphans
from fleet.workspace import Workspace
from tests.orphans.conftest import Provider

CHECKOUT = Path(__file__).resolve().parents[2]
NO_AWS = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
AWS = {**NO_AWS, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "VULTR_API_KEY", "DIGITALOCEAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(CHECKOUT)


def test_every_provider_with_a_token_is_asked(configuration: Configuration) -> None:
    environment = {"VULTR_API_KEY": "v", "DIGITALOCEAN_TOKEN": "d", "AWS_REGION": "us-east-1", **AWS}

    listings, without = sources(configuration, (), environment)

    assert [listing.source for listing in listings] == ["vultr", "digitalocean", "lightsail us-east-1", "ec2 us-east-1"]
    assert without == ()


def test_a_provider_that_the_fleet_uses_and_that_has_no_token_is_named(configuration: Configuration) -> None:
    listings, without = sources(configuration, (), NO_AWS)

    assert listings == ()
    assert without == (
        NotLooked("vultr", "no VULTR_API_KEY is set", failed=False),
        NotLooked("digitalocean", "no DIGITALOCEAN_TOKEN is set", failed=False),
    )


def test_aws_is_asked_where_a_state_has_something(configuration: Configuration) -> None:
    eip = Known("addresses", "urn:pulumi:addresses::fleet::aws:ec2/eip:Eip::x", "aws:ec2/eip:Eip", "e", "eu-west-2")

    listings, _ = sources(configuration, (StackState("addresses", (eip,)),), AWS, ["eu-west-1"])
    _, without = sources(configuration, (StackState("addresses", (eip,)),), NO_AWS)

    assert [listing.source for listing in listings] == [
        "lightsail eu-west-1", "ec2 eu-west-1", "lightsail eu-west-2", "ec2 eu-west-2",
    ]  # fmt: skip
    assert [place.source for place in without] == ["vultr", "digitalocean", "aws"]


def test_a_price_is_the_catalogues_or_not_known(configuration: Configuration) -> None:
    server = Owned("vultr", "vultr", "vultr:index/instance:Instance", "1", "nj", "nj", "", "ewr", "vhp-4c-8gb-amd")

    assert monthly_usd(configuration, server) == Decimal(48)
    assert monthly_usd(configuration, replace(server, plan="vhp-unheard-of")) is None
    assert monthly_usd(configuration, replace(server, plan="")) is None


@pytest.fixture
def workspace(tmp_path: Path, provider: Provider) -> Workspace:
    """A fleet without any stack yet, whose providers are the test's."""
    for source in (CHECKOUT / "fleet.yaml", *CHECKOUT.glob("Pulumi*.yaml")):
        shutil.copyfile(source, tmp_path / source.name)
    (tmp_path / "state").mkdir()
    (tmp_path / "passphrase").write_text("correct horse\n")
    return Workspace(
        root=tmp_path,
        backend=f"file://{tmp_path}/state",
        passphrase_file=tmp_path / "passphrase",
        secrets_file=tmp_path / "secrets.json",
        environment={
            "PULUMI_HOME": str(tmp_path / "home"),
            "VULTR_API_KEY": "v",
            "DIGITALOCEAN_TOKEN": "d",
            "FLEET_VULTR_URL": provider.url,
            "DIGITALOCEAN_API_URL": provider.url,
            "AWS_REGION": "",
            "AWS_DEFAULT_REGION": "",
        },
    )


@pytest.mark.engine
def test_one_provider_that_fails_does_not_hide_the_others(
    configuration: Configuration, workspace: Workspace, provider: Provider
) -> None:
    provider.answers("GET /v2/instances", {"error": "Internal server error.", "status": 500}, 500)
    droplet = {
        "id": 7, "name": "sg", "size_slug": "s-4vcpu-8gb", "created_at": "2026-11-20T10:00:00Z",
        "region": {"slug": "sgp1"}, "tags": [f"fleet:{configuration.fleet.name}", "host:sg"],
    }  # fmt: skip
    provider.answers("GET /v2/droplets", {"droplets": [droplet], "links": {}})
    provider.answers("GET /v2/reserved_ips", {"reserved_ips": [], "links": {}})

    summary = count_orphans(configuration, workspace)

    assert summary.lines() == (
        "orphans: in no stack and paid for: servers 1, addresses 0, servers of a known price $48 a month. "
        "See: fleet orphans",
        "  digitalocean server 7 of sg (no address yet, sgp1): fleet orphans adopt 7, or fleet orphans delete 7",
        "orphans not looked for: "
        "vultr: Vultr: 500: it has a fault of its own (Internal server error.). Try again later",
    )


@pytest.mark.engine
def test_an_unreadable_state_is_told_and_nothing_is_called_an_orphan(
    configuration: Configuration, workspace: Workspace, provider: Provider
) -> None:
    summary = count_orphans(configuration, replace(workspace, backend="file:///nowhere/at/all"))

    assert summary.count == 0
    assert summary.lines()[0].startswith(
        "orphans not looked for: the stacks in file:///nowhere/at/all cannot be listed"
    )
    assert provider.asked == []


def test_nothing_found_is_nothing_said() -> None:
    empty = Findings((), (), ("vultr",), (), (), {}, {})

    assert empty.find("x") == ()
