"""Vultr in the lab: what it refuses, what its firewall lets in, how a reserved address behaves."""

from __future__ import annotations

import pytest

SERVER = {"plan": "vhp-4c-8gb-amd", "region": "ewr", "osId": 2625, "hostname": "nj", "label": "nj"}


@pytest.fixture
def vultr(account):
    return account("vultr")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"plan": "vhp-5c"}, '{"error":"Server add failed: Invalid plan: vhp-5c.","status":400}'),
        ({"region": "nyc1"}, "Server add failed: Invalid location: nyc1."),
        ({"osId": 1}, "Server add failed: Invalid OS: 1."),
        ({"osId": None}, "you must set one of the following: os_id, app_id"),
        (
            {"plan": "vc2-1c-0.5gb", "region": "sgp"},
            "Plan vc2-1c-0.5gb is not available in the selected datacenter sgp",
        ),
        ({"sshKeyIds": ["none"]}, "Server add failed: Invalid SSH key: none."),
        ({"firewallGroupId": "none"}, "Server add failed: Invalid firewall group: none."),
        ({"reservedIpId": "none"}, "Server add failed: Invalid reserved IP."),
    ],
)
def test_a_server_that_vultr_does_not_sell_is_refused_in_its_words(vultr, changed, text):
    refusal = vultr.refusal("Instance", **(SERVER | changed))
    assert refusal.startswith("error creating server: ")
    assert text in refusal


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"hostnme": "x"}, "hostnme: Invalid or unknown key. Did you mean 'hostname'?"),
        ({"osId": "2625"}, 'osId: expected a whole number, got "2625"'),
        ({"enableIpv6": "no"}, 'enableIpv6: expected a boolean, got "no"'),
        ({"tags": "fleet"}, 'tags: expected a list, got "fleet"'),
        ({"tags": ["a", 1]}, "tags[1]: expected a string, got 1"),
        ({"region": None}, 'region: Missing required argument. The argument "region" is required'),
    ],
)
def test_the_plugin_refuses_what_the_schema_does_not_allow(vultr, changed, text):
    assert any(problem.startswith(text) for problem in vultr.problems("Instance", **(SERVER | changed)))


def test_a_value_that_is_not_known_yet_passes_every_check(vultr):
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert vultr.problems("Instance", **dict.fromkeys(SERVER, unknown)) == []


def test_the_reserved_address_given_at_creation_is_the_main_one(vultr):
    reserved, address = vultr.create("ReservedIp", region="ewr", ipType="v4")
    server, properties = vultr.create("Instance", **SERVER, reservedIpId=reserved)
    assert properties["mainIp"] == address["subnet"]
    assert vultr.read("ReservedIp", reserved).properties["instanceId"] == server


def test_a_reserved_address_belongs_to_one_server_and_one_region(vultr, monkeypatch):
    monkeypatch.setattr("lab.cloud.vultr.instance.ATTACHED_PATIENCE_SECONDS", 0)
    reserved, _ = vultr.create("ReservedIp", region="ewr", ipType="v4")
    elsewhere = vultr.refusal("Instance", **(SERVER | {"region": "ord"}), reservedIpId=reserved)
    assert "Floating IPv4 address is in location ewr" in elsewhere
    first, _ = vultr.create("Instance", **SERVER, reservedIpId=reserved)
    second = vultr.refusal("Instance", **SERVER, reservedIpId=reserved)
    text = '{"error":"Server add failed: Floating IPv4 address is already attached to another server","status":400}'
    assert text in second
    vultr.delete("Instance", first)
    vultr.create("Instance", **SERVER, reservedIpId=reserved)


def test_the_firewall_group_is_in_force_at_once_and_follows_its_rules(vultr):
    group, _ = vultr.create("FirewallGroup", description="nj")
    rule = {"firewallGroupId": group, "ipType": "v4", "protocol": "tcp", "subnet": "198.18.0.0", "subnetSize": 24}
    server, _ = vultr.create("Instance", **SERVER, firewallGroupId=group)
    assert vultr.machine(server)["firewall"] == []
    ssh, _ = vultr.create("FirewallRule", **rule, port="22")
    vultr.create("FirewallRule", **(rule | {"protocol": "udp"}), port="51820:51821")
    assert vultr.machine(server)["firewall"] == ["tcp 22 from 198.18.0.0/24", "udp 51820-51821 from 198.18.0.0/24"]
    vultr.delete("FirewallRule", ssh)
    assert vultr.machine(server)["firewall"] == ["udp 51820-51821 from 198.18.0.0/24"]
    open_server, _ = vultr.create("Instance", **SERVER)
    assert vultr.machine(open_server)["firewall"] == ["all  from 0.0.0.0/0"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"port": None}, "Port is required for TCP and UDP."),
        ({"protocol": "icmp", "port": "22"}, "Ports are only valid for TCP and UDP."),
        ({"port": "22-23"}, "Invalid port: 22-23."),
        ({"port": "70000"}, "Invalid port: 70000."),
        ({"subnet": "198.18.0.1"}, "Invalid subnet"),
        ({"subnet": "::1"}, "is no v4 address"),
        ({"firewallGroupId": "none"}, "Firewall group does not exist."),
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused(vultr, changed, text):
    group, _ = vultr.create("FirewallGroup")
    rule = {"firewallGroupId": group, "ipType": "v4", "protocol": "tcp", "port": "22", "subnet": "198.18.0.0"}
    assert text in vultr.refusal("FirewallRule", **(rule | {"subnetSize": 24} | changed))


def test_the_same_rule_twice_is_refused(vultr):
    group, _ = vultr.create("FirewallGroup")
    rule = {"ipType": "v4", "protocol": "icmp", "subnet": "0.0.0.0", "subnetSize": 0, "firewallGroupId": group}
    vultr.create("FirewallRule", **rule)
    assert "This rule is already defined." in vultr.refusal("FirewallRule", **rule)


def test_a_plan_grows_in_place_and_never_shrinks(vultr):
    server, _ = vultr.create("Instance", **(SERVER | {"plan": "vhp-2c-4gb-amd"}))
    assert vultr.update("Instance", server, **SERVER)["ram"] == 8192
    assert vultr.machine(server)["reboots"] == 1
    with pytest.raises(Exception, match="vhp-4c-8gb-amd cannot be upgraded to vhp-2c-4gb-amd"):
        vultr.update("Instance", server, **(SERVER | {"plan": "vhp-2c-4gb-amd"}))


def test_the_key_is_checked(vultr, public_key):
    vultr.create("SSHKey", name="a", sshKey=public_key)
    assert "Invalid SSH Key." in vultr.refusal("SSHKey", name="b", sshKey="ssh-ed25519 nonsense")


def test_an_image_is_looked_up_by_its_name(vultr):
    token = "vultr:index/getOs:getOs"
    found = vultr.calls.look_up(token, {"filters": [{"name": "name", "values": ["Debian 13 x64 (trixie)"]}]})
    assert found["id"] == "2625"
    with pytest.raises(Exception, match="no results were found"):
        vultr.calls.look_up(token, {"filters": [{"name": "name", "values": ["Plan 9"]}]})
    with pytest.raises(Exception, match="too many results"):
        vultr.calls.look_up(token, {"filters": [{"name": "family", "values": ["debian"]}]})


def test_user_data_is_kept_nowhere(vultr):
    vultr.create("Instance", **SERVER, userData="#cloud-config secret-key")
    assert "secret-key" not in (vultr.home / "cloud.json").read_text()
