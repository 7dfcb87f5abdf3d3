"""What is ours and in no stack, as a pure function of the providers' lists and the stacks' states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet.orphans.comparison import Orphan, orphans
from fleet.orphans.owned import Mark, Owned
from fleet.orphans.states import parse_state

INSTANCE, STATIC_IP = "vultr:index/instance:Instance", "aws:lightsail/staticIp:StaticIp"
SERVER = Owned("vultr", "vultr", INSTANCE, "id-1", "nj", "nj", "198.18.0.11", "ewr", "vhp-4c-8gb-amd")
ADDRESS = Owned("aws", "lightsail", STATIC_IP, "prod-tyo-address", "tyo", "prod-tyo-address", "198.18.0.12", "ap-1")


def urn(stack: str, type: str, name: str) -> str:
    return f"urn:pulumi:{stack}::fleet::fleet:servers:Vultr${type}::{name}"


def resource(stack: str, type: str, name: str, id: str, **more: Any) -> dict[str, Any]:
    return {"urn": urn(stack, type, name), "type": type, "id": id, "custom": True, **more}


def pending(stack: str, type: str, name: str, operation: str = "creating") -> dict[str, Any]:
    return {"type": operation, "resource": {"urn": urn(stack, type, name), "type": type}}


def test_what_a_stack_has_is_no_orphan() -> None:
    state = parse_state("nj", {"resources": [resource("nj", INSTANCE, "nj", "id-1")]})

    assert orphans([SERVER], [state]) == ()


def test_what_no_stack_has_is_one() -> None:
    other = parse_state("nj", {"resources": [resource("nj", INSTANCE, "nj", "id-2")]})

    assert orphans([SERVER], [other]) == (Orphan(SERVER),)
    assert orphans([SERVER], []) == (Orphan(SERVER),)


def test_an_id_of_another_kind_of_resource_counts_for_nothing() -> None:
    key = parse_state("nj", {"resources": [resource("nj", "vultr:index/sSHKey:SSHKey", "nj", "id-1")]})

    assert orphans([SERVER], [key]) == (Orphan(SERVER),)


def test_what_a_program_only_looks_up_is_not_its_own() -> None:
    state = parse_state("nj", {"resources": [resource("nj", INSTANCE, "nj", "id-1", external=True)]})

    assert orphans([SERVER], [state]) == (Orphan(SERVER),)


def test_what_a_stack_is_about_to_delete_is_still_its_own() -> None:
    state = parse_state("nj", {"resources": [resource("nj", INSTANCE, "nj", "id-1", delete=True)]})

    assert orphans([SERVER], [state]) == ()


def test_one_name_in_two_regions_is_two_things() -> None:
    """Lightsail's ids are names, and a name is unique in its region only."""
    here = parse_state("a", {"resources": [resource("a", STATIC_IP, "tyo", ADDRESS.id, inputs={"region": "ap-1"})]})
    there = parse_state("a", {"resources": [resource("a", STATIC_IP, "tyo", ADDRESS.id, inputs={"region": "eu-1"})]})

    assert orphans([ADDRESS], [here]) == ()
    assert orphans([ADDRESS], [there]) == (Orphan(ADDRESS),)


def test_an_interrupted_create_explains_an_orphan() -> None:
    state = parse_state("nj", {"pending_operations": [pending("nj", INSTANCE, "nj")]})

    (orphan,) = orphans([SERVER], [state])

    assert orphan.interrupted is not None
    assert (orphan.interrupted.stack, orphan.interrupted.name) == ("nj", "nj")


@pytest.mark.parametrize(
    "operation",
    [pending("nj", INSTANCE, "nj-spot"), pending("nj", STATIC_IP, "nj"), pending("nj", INSTANCE, "nj", "deleting")],
)
def test_another_operation_does_not(operation: dict[str, Any]) -> None:
    state = parse_state("nj", {"pending_operations": [operation]})

    assert orphans([SERVER], [state]) == (Orphan(SERVER),)
    assert len(state.interrupted) == 1


def test_an_orphan_without_a_host_is_explained_by_its_kind() -> None:
    state = parse_state("nj", {"pending_operations": [pending("nj", INSTANCE, "nj")]})

    assert orphans([replace(SERVER, host=None)], [state])[0].interrupted is not None


def test_an_empty_stack_has_nothing() -> None:
    assert parse_state("nj", {}).resources == ()


def test_the_marks_of_a_fleet(mark: Mark) -> None:
    assert mark.tag == "fleet:prod"
    assert mark.host_of_tags(["fleet:prod", "host:nj"]) == "nj"
    assert mark.host_of_tags(["fleet:prod"]) is None
    assert mark.host_of_label("fleet:prod nj") == "nj"
    assert mark.host_of_label("fleet:production nj") is None
    assert mark.host_of_name("prod-nj-address", "-address") == "nj"
    assert mark.host_of_name("prod-nj", "-address") is None
    assert mark.host_of_name("other-nj-address", "-address") is None
