"""The model's own laws: mesh addresses, epochs, ids, immutability."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fleet.model.addressing import mesh_address, room
from fleet.model.fleet import Epoch, Mesh
from fleet.model.problems import ConfigurationError, Problem
from fleet.model.stack import DigitalOceanHost, Ec2Host, RegionStack, host_id, service_of

CIDRS = st.builds(
    lambda prefix, number: IPv4Network((number >> (32 - prefix) << (32 - prefix), prefix)),
    st.integers(8, 28),
    st.integers(0, 2**32 - 1),
)


@pytest.mark.parametrize(
    ("cidr", "region", "host", "address"),
    [
        ("10.77.0.0/16", 0, 0, "10.77.0.1"),
        ("10.77.0.0/16", 3, 1, "10.77.3.2"),
        ("10.77.0.0/16", 255, 253, "10.77.255.254"),
        ("198.19.192.0/20", 1, 0, "198.19.192.65"),
        ("10.0.0.0/27", 3, 5, "10.0.0.30"),
    ],
)
def test_an_address_is_region_and_host(cidr: str, region: int, host: int, address: str) -> None:
    assert mesh_address(IPv4Network(cidr), region, host) == IPv4Address(address)


@given(CIDRS, st.data())
def test_addresses_lie_in_the_network_and_two_hosts_never_share_one(cidr: IPv4Network, data: st.DataObject) -> None:
    space = room(cidr)
    place = st.tuples(st.integers(0, space.regions - 1), st.integers(0, space.hosts - 1))
    first, second = data.draw(place), data.draw(place)
    one, other = mesh_address(cidr, *first), mesh_address(cidr, *second)
    assert one in cidr
    assert one not in (cidr.network_address, cidr.broadcast_address)
    assert (one == other) == (first == second)


@given(CIDRS)
def test_an_index_beyond_the_room_is_refused(cidr: IPv4Network) -> None:
    space = room(cidr)
    with pytest.raises(ValueError, match=f"region index {space.regions} does not fit"):
        mesh_address(cidr, space.regions, 0)
    with pytest.raises(ValueError, match=f"host index {space.hosts} does not fit"):
        mesh_address(cidr, 0, space.hosts)
    with pytest.raises(ValueError, match="host index -1"):
        mesh_address(cidr, 0, -1)


def test_the_first_epoch_is_wg0_on_the_base_port() -> None:
    epoch = Epoch()
    assert (epoch.of("nj"), epoch.interface(), epoch.port(51820)) == ("1", "wg0", 51820)


@given(st.integers(1, 50), st.dictionaries(st.sampled_from(["hub", "nj", "sg"]), st.integers(1, 50)))
def test_every_rotation_of_keys_changes_the_interface_and_the_port(keys: int, nodes: dict[str, int]) -> None:
    before = Epoch(keys=keys, nodes=nodes)
    whole = Epoch(keys=keys + 1, nodes=nodes)
    single = Epoch(keys=keys, nodes={**nodes, "sg": nodes.get("sg", 0) + 1})
    for after in (whole, single):
        assert {before.interface(), after.interface()} == {"wg0", "wg1"}
        assert {before.port(4500), after.port(4500)} == {4500, 4501}
        assert before.of("sg") != after.of("sg")
    assert single.of("fra") == before.of("fra")


def test_rotating_preshared_keys_alone_keeps_the_interface() -> None:
    assert Epoch(psk=2).interface() == Epoch().interface()


def test_the_main_host_carries_the_regions_name() -> None:
    assert host_id("nj", "main") == "nj"
    assert host_id("nj", "spot") == "nj-spot"


def test_aws_is_two_services_and_every_other_provider_one() -> None:
    network = IPv4Network("10.80.0.0/28")
    assert service_of(Ec2Host(name="main", index=0, location="x", plan="y", vpc_cidr=network)) == "ec2"
    assert service_of(DigitalOceanHost(name="main", index=0, location="x", plan="y")) == "digitalocean"


def test_models_cannot_be_changed() -> None:
    mesh = Mesh(cidr=IPv4Network("10.77.0.0/16"))
    with pytest.raises(ValidationError, match="frozen"):
        mesh.port = 1


def test_models_survive_a_round_trip() -> None:
    host = DigitalOceanHost(name="main", index=0, location="sgp1", plan="s-2vcpu-4gb")
    stack = RegionStack(name="sg", hosts={"main": host})
    assert RegionStack.model_validate(stack.model_dump(mode="json")) == stack
    mesh = Mesh(cidr=IPv4Network("10.77.0.0/16"), epoch=Epoch(keys=3, nodes={"sg": 2}))
    assert Mesh.model_validate(mesh.model_dump(mode="json")) == mesh


def test_a_report_counts_its_problems_and_shows_each_once() -> None:
    one = Problem("b.yaml", "x", 1, "is wrong", "2", "write 2", 7)
    other = Problem("a.yaml", "", None, "is empty")
    error = ConfigurationError([one, other, one])
    assert str(error).splitlines() == [
        "the fleet's configuration has 2 problems in 2 files:",
        "a.yaml: is empty",
        "b.yaml:7: x: is wrong",
        "    value:   1",
        "    allowed: 2",
        "    hint:    write 2",
    ]
