"""Parts of the lab that need neither root nor servers: ranges, package sources, rules, requirements, metadata."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import fields
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import control_groups, metadata
from lab.errors import LabError
from lab.firewall import render
from lab.image.recipe import BARE, FULL, Recipe
from lab.image.sources import source_lines
from lab.ranges import SLOTS, WHOLE, ranges
from lab.requirements import mask_docker
from lab.server import Rule
from lab.settings import LabHome, default_home
from lab.state import Address, Cut, LabState, Machine


def networks_of(slot: int) -> list[IPv4Network]:
    found = ranges(slot)
    values = [getattr(found, field.name) for field in fields(found) if field.name != "base"]
    assert all(network.subnet_of(found.base) for network in values)
    return values


def test_the_networks_of_all_labs_are_apart() -> None:
    every = [network for slot in range(SLOTS) for network in networks_of(slot)]
    assert all(network.subnet_of(WHOLE) for network in every)
    assert not any(a.overlaps(b) for i, a in enumerate(every) for b in every[:i])


def test_only_the_first_half_of_a_lab_is_routed_to_it() -> None:
    found = ranges(3)
    inside = [found.vultr, found.droplets, found.existing, found.venue, found.aws, found.anchor, found.translated]
    assert all(network.subnet_of(found.outside) for network in inside)
    assert not any(network.overlaps(found.outside) for network in (found.mesh, found.docker_pool, found.link))


def test_the_home_follows_the_environment() -> None:
    assert default_home({"FLEET_LAB_HOME": "/somewhere"}) == Path("/somewhere")
    assert default_home({"XDG_STATE_HOME": "/state"}).parent == Path("/state/fleet")


def test_labs_of_two_homes_have_different_names(tmp_path: Path) -> None:
    assert LabHome(tmp_path / "a").id != LabHome(tmp_path / "b").id


def test_an_image_is_made_from_the_machines_own_archives(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb [signed-by=/k.gpg] http://one.example/debian bookworm main contrib\n"
        "deb http://tool.example/apt stable-tool extra\n"
    )
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\n# a comment\nURIs: http://two.example/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main non-free\n\n"
        "Types: deb\nURIs: http://two.example/security\nSuites: bookworm-security\nComponents: main\n\n"
        "Types: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n"
    )
    assert source_lines("trixie", tmp_path) == [
        "deb http://one.example/debian trixie main",
        "deb http://two.example/debian trixie main",
        "deb http://two.example/security trixie-security main",
    ]
    assert source_lines("trixie", tmp_path / "nowhere") == []


def test_an_image_is_made_anew_when_its_recipe_changes() -> None:
    assert FULL.digest != BARE.digest
    assert Recipe("full", FULL.packages).digest == FULL.digest
    assert Recipe("full", (*FULL.packages, "jq")).digest != FULL.digest


def test_masking_docker_leaves_an_administrators_unit(tmp_path: Path) -> None:
    (tmp_path / "docker.service").write_text("[Service]\n")
    mask_docker(("docker.service", "docker.socket"), tmp_path)
    assert not (tmp_path / "docker.service").is_symlink()
    assert (tmp_path / "docker.socket").readlink() == Path("/dev/null")


def test_the_version_of_control_groups_decides_a_servers_options(tmp_path: Path) -> None:
    assert control_groups.version(tmp_path) == 1
    (tmp_path / "cgroup.controllers").touch()
    assert control_groups.version(tmp_path) == 2
    assert control_groups.host_options(2)["cgroupns"] == "private"
    assert control_groups.host_options(2)["volumes"] == {}


@pytest.fixture
def three_clouds() -> LabState:
    open_ssh = Rule("tcp", "22", ("198.18.28.1/32", "198.18.12.0/24"))
    mesh = Rule("udp", "51820-51821", ("0.0.0.0/0", "::/0"))
    return LabState(
        machines={
            "1": Machine(
                "1", "nj", "vultr", "direct", "198.18.0.100", rules=(open_ssh, mesh, Rule("icmp", "", ("0.0.0.0/0",)))
            ),
            "2": Machine("2", "sg", "digitalocean", "anchor", "198.18.1.100", anchor="198.18.8.100"),
            "3": Machine("3", "tyo", "aws", "nat", "198.18.12.101", private="198.18.4.100"),
        },
        addresses={"198.18.12.100": Address("anchor", "2"), "198.18.12.102": Address("nat", None)},
        cuts=[Cut("1", "2", "51820-51821")],
    )


def test_nft_takes_the_rules(three_clouds: LabState) -> None:
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    text = render(three_clouds, ranges(0), "up0")
    for state in (text, render(LabState(), ranges(0), "up0")):
        checked = subprocess.run(["nft", "-c", "-f", "-"], input=state, capture_output=True, text=True, check=False)
        if "Operation not permitted" in checked.stderr:
            pytest.skip("nft checks rules as root only")
        assert checked.stderr == ""


def test_rules_name_the_addresses_that_servers_have(three_clouds: LabState) -> None:
    rules = render(three_clouds, ranges(0), "up0").splitlines()
    assert any("ip daddr map { 198.18.12.100 : 198.18.8.100, 198.18.12.101 : 198.18.4.100 }" in rule for rule in rules)
    ssh = next(rule for rule in rules if "tcp dport 22 accept" in rule)
    # A rule for public addresses lets the server behind one in, which comes with its inner address.
    assert "198.18.8.100" in ssh
    assert "198.18.12.0/24" in ssh
    assert not any(
        "198.18.4.100" in rule and "accept" in rule and "firewall ip daddr { 198.18.4.100" in rule for rule in rules
    )


def test_a_rule_of_an_unknown_protocol_is_refused(three_clouds: LabState) -> None:
    three_clouds.machines["1"].rules = (Rule("sctp", "1", ("0.0.0.0/0",)),)
    with pytest.raises(LabError, match="not 'sctp'"):
        render(three_clouds, ranges(0), "up0")


def test_a_static_address_replaces_the_one_an_aws_server_came_with(three_clouds: LabState) -> None:
    server = three_clouds.machine("3")
    assert three_clouds.public_addresses(server) == ("198.18.12.101",)
    three_clouds.addresses["198.18.12.102"].machine = "3"
    assert three_clouds.public_addresses(server) == ("198.18.12.102",)


def test_the_metadata_service_answers_by_the_askers_address(three_clouds: LabState) -> None:
    def answer(asker: str, path: str) -> str | None:
        return metadata.answer(three_clouds, ranges(0), asker, path)

    for asker in ("198.18.1.100", "198.18.8.100"):
        assert answer(asker, "metadata/v1/reserved_ip/ipv4/ip_address") == "198.18.12.100"
    assert answer("198.18.4.100", "latest/meta-data/public-ipv4") == "198.18.12.101"
    assert answer("198.18.4.100", "metadata/v1/id") is None
    assert answer("198.18.9.9", "metadata/v1/id") is None


def test_a_released_address_is_not_the_next_one_given() -> None:
    state = LabState()
    first = state.next_address(IPv4Network("198.18.0.0/24"))
    assert state.next_address(IPv4Network("198.18.0.0/24")) != first


def test_a_full_network_is_an_error_that_names_it() -> None:
    network = IPv4Network("198.18.0.0/24")
    state = LabState()
    for _ in range(155):
        state.addresses[state.next_address(network)] = Address("direct")
    assert "198.18.0.255" not in state.addresses
    with pytest.raises(LabError, match=r"198\.18\.0\.0/24 is full"):
        state.next_address(network)
