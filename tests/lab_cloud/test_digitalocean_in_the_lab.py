"""DigitalOcean in the lab: what it refuses, its firewalls, its reserved addresses."""

from __future__ import annotations

import pytest

DROPLET = {"name": "sg", "image": "debian-13-x64", "region": "sgp1", "size": "s-4vcpu-8gb"}


@pytest.fixture
def ocean(account):
    return account("digitalocean")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"size": "s-5vcpu"}, "You specified an invalid size for Droplet creation: s-5vcpu."),
        ({"region": "sgp9"}, "You specified an invalid region for Droplet creation: sgp9."),
        ({"image": "debian-14-x64"}, "You specified an invalid image for Droplet creation: debian-14-x64."),
        ({"region": "ams2"}, "Size s-4vcpu-8gb is not available in this region: ams2."),
        ({"sshKeys": ["12"]}, "12 are invalid key identifiers for Droplet creation."),
        ({"userData": "x" * 70_000}, "User data must be less than 64KiB."),
    ],
)
def test_a_droplet_that_is_not_sold_is_refused_in_its_words(ocean, changed, text):
    refusal = ocean.refusal("Droplet", **(DROPLET | changed))
    assert refusal.startswith("Error creating droplet: POST https://api.digitalocean.com/v2/droplets: 422 (request ")
    assert text in refusal


def test_tags_have_an_alphabet(ocean):
    assert ocean.problems("Droplet", **DROPLET, tags=["fleet:test"]) == []
    assert "tags[0]: tags may contain" in ocean.problems("Droplet", **DROPLET, tags=["fleet test"])[0]


def test_an_account_has_a_key_once(ocean, public_key, other_key):
    _, key = ocean.create("SshKey", name="a", publicKey=public_key)
    assert "SSH Key is already in use on your account" in ocean.refusal("SshKey", name="b", publicKey=public_key)
    ocean.create("SshKey", name="b", publicKey=other_key)
    ocean.create("Droplet", **DROPLET, sshKeys=[key["fingerprint"]])


def test_a_firewall_covers_the_droplets_it_names_and_those_with_its_tag(ocean):
    named, _ = ocean.create("Droplet", **DROPLET)
    tagged, _ = ocean.create("Droplet", **(DROPLET | {"name": "two"}), tags=["fleet:test"])
    rules = [{"protocol": "tcp", "portRange": "22", "sourceAddresses": ["198.18.0.0/24"]}]
    firewall, _ = ocean.create("Firewall", name="f", dropletIds=[int(named)], tags=["fleet:test"], inboundRules=rules)
    assert ocean.machine(named)["firewall"] == ocean.machine(tagged)["firewall"] == ["tcp 22 from 198.18.0.0/24"]
    later, _ = ocean.create("Droplet", **(DROPLET | {"name": "three"}), tags=["fleet:test"])
    assert ocean.machine(later)["firewall"] == ["tcp 22 from 198.18.0.0/24"]
    ocean.delete("Firewall", firewall)
    assert ocean.machine(named)["firewall"] == ["all  from 0.0.0.0/0"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"protocol": "tcp"}, "`port_range` is required"),
        ({"protocol": "icmp", "portRange": "1"}, "`port_range` is not allowed"),
        ({"protocol": "gre"}, 'expected protocol to be one of ["tcp" "udp" "icmp"], got gre'),
        ({"portRange": "22"}, 'The argument "protocol" is required'),
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused(ocean, rule, text):
    assert text in "\n".join(ocean.problems("Firewall", name="f", inboundRules=[rule]))


def test_the_api_checks_ports_and_addresses_of_rules(ocean):
    rule = {"protocol": "tcp", "portRange": "22:23", "sourceAddresses": ["0.0.0.0/0"]}
    assert "400" in ocean.refusal("Firewall", name="f", inboundRules=[rule])
    rule |= {"portRange": "22", "sourceAddresses": ["everywhere"]}
    assert "invalid address: everywhere" in ocean.refusal("Firewall", name="f", inboundRules=[rule])


def test_an_assignment_moves_the_address_and_undoes_only_itself(ocean):
    first, _ = ocean.create("Droplet", **DROPLET)
    second, _ = ocean.create("Droplet", **(DROPLET | {"name": "two"}))
    address, _ = ocean.create("ReservedIp", region="sgp1")
    old, _ = ocean.create("ReservedIpAssignment", ipAddress=address, dropletId=int(first))
    assert ocean.read("ReservedIp", address).properties["dropletId"] == int(first)
    ocean.create("ReservedIpAssignment", ipAddress=address, dropletId=int(second))
    ocean.delete("ReservedIpAssignment", old)
    assert ocean.machine(second)["addresses"] == [address]
    assert ocean.machine(first)["addresses"] == []


def test_a_reserved_address_stays_in_its_region(ocean):
    droplet, _ = ocean.create("Droplet", **DROPLET)
    address, _ = ocean.create("ReservedIp", region="lon1")
    refusal = ocean.refusal("ReservedIpAssignment", ipAddress=address, dropletId=int(droplet))
    assert "The reserved IP is in region lon1, the droplet in sgp1" in refusal


def test_a_size_changes_in_place_and_the_disk_never_shrinks(ocean):
    droplet, _ = ocean.create("Droplet", **DROPLET)
    with pytest.raises(Exception, match="This size is not available because it has a smaller disk"):
        ocean.update("Droplet", droplet, **(DROPLET | {"size": "s-2vcpu-4gb"}))
    assert ocean.update("Droplet", droplet, **(DROPLET | {"size": "s-8vcpu-16gb"}))["vcpus"] == 8


def test_prices_come_with_the_sizes(ocean):
    filters = [{"key": "slug", "values": ["s-4vcpu-8gb"]}]
    found = ocean.calls.look_up("digitalocean:index/getSizes:getSizes", {"filters": filters})
    assert [size["priceMonthly"] for size in found["sizes"]] == [48]


def test_an_image_is_looked_up_by_its_slug(ocean):
    look_up = ocean.calls.look_up
    assert look_up("digitalocean:index/getImage:getImage", {"slug": "debian-13-x64"})["distribution"] == "Debian"
    with pytest.raises(Exception, match="404"):
        look_up("digitalocean:index/getImage:getImage", {"slug": "debian-14-x64"})


def test_a_tag_counts_its_droplets(ocean):
    tag, _ = ocean.create("Tag", name="fleet:test")
    ocean.create("Droplet", **DROPLET, tags=["fleet:test"])
    assert ocean.read("Tag", tag).outputs["dropletsCount"] == 1
