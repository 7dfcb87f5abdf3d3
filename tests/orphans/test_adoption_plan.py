"""Where an orphan belongs, the command that takes it there, and every reason why it fits nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.configuration import Configuration, load
from fleet.orphans.adoption import AdoptionRefused, plan_adoption
from fleet.orphans.comparison import Known, Orphan, StackState
from fleet.orphans.deletion import DeletionRefused, refuse_running
from fleet.orphans.owned import Owned
from fleet.workspace import Workspace

CHECKOUT = Path(__file__).resolve().parents[2]
INSTANCE = "vultr:index/instance:Instance"
DROPLET_IP = "digitalocean:index/reservedIp:ReservedIp"
COMPONENT = "urn:pulumi:nj::fleet::fleet:servers:Vultr::nj"
SERVER = Orphan(Owned("vultr", "vultr", INSTANCE, "id-1", "nj", "nj", "198.18.0.11", "ewr", "vhp-4c-8gb-amd"))
ADDRESS = Orphan(
    Owned("digitalocean", "digitalocean", DROPLET_IP, "198.18.0.9", None, "", "198.18.0.9", "sgp1", certain=False)
)
NJ = StackState("nj", (Known("nj", COMPONENT, "fleet:servers:Vultr", ""),))
ADDRESSES = StackState("addresses", ())


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(CHECKOUT)


def changed(**values: str | None) -> Orphan:
    return Orphan(replace(SERVER.owned, **values))  # type: ignore[arg-type]


def test_a_server_goes_into_its_component(configuration: Configuration) -> None:
    plan = plan_adoption(SERVER, configuration, [NJ])

    assert plan.command == (
        f"pulumi import {INSTANCE} nj id-1 --stack nj --parent server={COMPONENT} "
        "--protect=true --generate-code=false --yes"
    )


def test_an_address_without_a_mark_is_for_the_only_host_that_lacks_one(configuration: Configuration) -> None:
    plan = plan_adoption(ADDRESS, configuration, [ADDRESSES])

    assert (plan.stack, plan.name, plan.parent) == ("addresses", "sg", "")


def test_an_address_that_nobody_lacks_asks_for_the_host(configuration: Configuration) -> None:
    has = Known("addresses", f"urn:pulumi:addresses::fleet::{DROPLET_IP}::sg", DROPLET_IP, "198.18.0.8")

    with pytest.raises(AdoptionRefused, match="does not say which host it is for"):
        plan_adoption(ADDRESS, configuration, [StackState("addresses", (has,))])


def test_a_second_server_of_one_host_is_one_too_many(configuration: Configuration) -> None:
    first = Known("nj", f"{COMPONENT.removesuffix('::nj')}${INSTANCE}::nj", INSTANCE, "id-0")

    with pytest.raises(AdoptionRefused, match=r"has a server for nj already, id-0.*fleet orphans delete id-1"):
        plan_adoption(SERVER, configuration, [replace(NJ, resources=(*NJ.resources, first))])


@pytest.mark.parametrize(
    ("orphan", "states", "told"),
    [
        (changed(host="nyc"), (NJ,), "says to be host nyc, which the configuration does not have"),
        (changed(location="ord"), (NJ,), "is at vultr in ord, but the configuration has nj at vultr in ewr"),
        (changed(host="hub"), (NJ,), "the configuration has hub at a server that stands already"),
        (SERVER, (), "the backend has no stack nj that id-1 could be taken into"),
        (SERVER, (StackState("nj", ()),), "stack nj has nothing of nj yet that the server could be part of"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(
    configuration: Configuration, orphan: Orphan, states: tuple[StackState, ...], told: str
) -> None:
    with pytest.raises(AdoptionRefused, match=told):
        plan_adoption(orphan, configuration, states)


def test_an_import_at_aws_names_the_region() -> None:
    """The provider's import id: the plain one is looked up in the region of the credentials' default only."""
    from fleet.orphans.adoption import import_id

    eip = Owned("aws", "ec2", "aws:ec2/eip:Eip", "eipalloc-1", "va", "", "198.18.0.52", "us-east-1")

    assert import_id(eip) == "eipalloc-1@us-east-1"
    assert import_id(SERVER.owned) == "id-1"


def test_nothing_is_deleted_while_a_run_holds_a_stack(tmp_path: Path) -> None:
    """What the run makes is in no state until it is done: it looks like an orphan."""
    workspace = Workspace(tmp_path, f"file://{tmp_path}", tmp_path / "p", tmp_path / "s", {})
    refuse_running(SERVER, workspace)
    lock = tmp_path / ".pulumi" / "locks" / "organization" / "fleet" / "nj" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")

    with pytest.raises(DeletionRefused, match="a run holds stack nj"):
        refuse_running(SERVER, workspace)
