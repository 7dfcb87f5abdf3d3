"""Which input changes show, and which replace: per type, as the providers have it."""

from __future__ import annotations

import pytest

from lab.cloud.diff import diff_inputs
from lab.cloud.kind import Kind
from lab.cloud.registry import NAMES, load_provider

KINDS = {token: kind for name in NAMES for token, kind in load_provider(name).kinds.items()}


def changes(kind: Kind, old: dict, new: dict, ignored: tuple[str, ...] = ()) -> list[tuple[str, str, bool]]:
    return [(c.path, c.action, c.replaces) for c in diff_inputs(kind, old, new, ignored)]


@pytest.mark.parametrize(
    ("token", "replacing", "in_place"),
    [
        (
            "vultr:index/instance:Instance",
            "region osId sshKeyIds userData hostname reservedIpId",
            "plan label tags firewallGroupId enableIpv6 backups",
        ),
        ("vultr:index/firewallRule:FirewallRule", "port protocol subnet subnetSize notes firewallGroupId", ""),
        ("vultr:index/reservedIp:ReservedIp", "region ipType", "label instanceId"),
        ("vultr:index/sSHKey:SSHKey", "", "name sshKey"),
        ("digitalocean:index/droplet:Droplet", "region image sshKeys userData", "size name tags"),
        ("digitalocean:index/sshKey:SshKey", "publicKey", "name"),
        ("digitalocean:index/firewall:Firewall", "", "name inboundRules dropletIds"),
        ("digitalocean:index/reservedIpAssignment:ReservedIpAssignment", "dropletId ipAddress", ""),
        ("aws:lightsail/instance:Instance", "name bundleId blueprintId userData keyPairName availabilityZone", "tags"),
        ("aws:lightsail/instancePublicPorts:InstancePublicPorts", "portInfos instanceName", ""),
        ("aws:ec2/instance:Instance", "ami subnetId keyName", "userData instanceType vpcSecurityGroupIds tags"),
        ("aws:ec2/securityGroup:SecurityGroup", "name description vpcId", "ingress egress tags"),
        ("aws:ec2/eipAssociation:EipAssociation", "allocationId instanceId", ""),
    ],
)
def test_what_replaces(token, replacing, in_place):
    for field in replacing.split():
        assert changes(KINDS[token], {field: "a"}, {field: "b"}) == [(field, "update", True)]
    for field in in_place.split():
        assert changes(KINDS[token], {field: "a"}, {field: "b"}) == [(field, "update", False)]


def test_ec2_replaces_for_user_data_only_where_asked():
    kind = KINDS["aws:ec2/instance:Instance"]
    asked = {"userDataReplaceOnChange": True}
    assert changes(kind, {**asked, "userData": "a"}, {**asked, "userData": "b"}) == [("userData", "update", True)]


def test_paths_lead_to_what_changed():
    kind = KINDS["aws:ec2/vpc:Vpc"]
    old, new = {"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "1", "b": "3", "c": "4"}}
    assert changes(kind, old, new) == [("tags.b", "update", False), ("tags.c", "add", False)]
    assert changes(kind, new, {}) == [("tags", "delete", False)]
    assert changes(kind, old, new, ("tags",)) == [] == changes(kind, old, new, ("tags.b", "tags.c"))


def test_the_order_of_a_set_is_no_change():
    kind = KINDS["digitalocean:index/firewall:Firewall"]
    ssh = {"protocol": "tcp", "portRange": "22", "sourceAddresses": ["198.18.0.0/24", "198.18.1.0/24"]}
    mesh = {"protocol": "udp", "portRange": "51820", "sourceAddresses": ["0.0.0.0/0"]}
    turned = {**ssh, "sourceAddresses": ssh["sourceAddresses"][::-1]}
    assert changes(kind, {"inboundRules": [ssh, mesh]}, {"inboundRules": [mesh, turned]}) == []


def test_nothing_and_empty_are_the_same_and_the_unknown_is_a_change():
    kind = KINDS["vultr:index/instance:Instance"]
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert changes(kind, {"tags": []}, {}) == []
    assert changes(kind, {"reservedIpId": unknown}, {"reservedIpId": unknown}) == [("reservedIpId", "update", True)]
