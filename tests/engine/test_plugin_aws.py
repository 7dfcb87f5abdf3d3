"""AWS by the real engine and the real SDK: a Lightsail server and an EC2 server with all that belongs to them."""

from __future__ import annotations

import pytest

from lab.cloud.inventory import addresses, servers
from lab.cloud.store import CloudStore

pytestmark = pytest.mark.engine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"

LIGHTSAIL = """
import pulumi_aws as aws
region = "ap-northeast-1"
key = aws.lightsail.KeyPair("tyo", name="fleet-tyo", public_key="{key}", region=region)
static = aws.lightsail.StaticIp("tyo", name="fleet-tyo-address", region=region)
server = aws.lightsail.Instance("tyo", name="fleet-tyo", availability_zone=region + "a", blueprint_id="debian_12",
    bundle_id="{bundle}", key_pair_name=key.name, user_data="#!/bin/sh", ip_address_type="ipv4", region=region,
    tags={{"fleet": "test"}}, opts=pulumi.ResourceOptions(delete_before_replace=True))
follows = pulumi.ResourceOptions(delete_before_replace=True, deleted_with=server, replace_with=[server])
aws.lightsail.StaticIpAttachment("tyo", instance_name=server.name, static_ip_name=static.name, region=region,
    opts=follows)
aws.lightsail.InstancePublicPorts("tyo", instance_name=server.name, region=region, opts=follows, port_infos=[
    aws.lightsail.InstancePublicPortsPortInfoArgs(protocol="tcp", from_port=22, to_port=22, cidrs=["198.18.0.0/24"]),
    aws.lightsail.InstancePublicPortsPortInfoArgs(protocol="icmp", from_port=8, to_port=-1, cidrs=["0.0.0.0/0"])])
pulumi.export("address", static.ip_address)
pulumi.export("user", server.username)
"""

EC2 = """
import pulumi_aws as aws
tags = {{"fleet": "test", "Name": "fleet-va"}}
vpc = aws.ec2.Vpc("va", cidr_block="198.19.192.0/24", tags=tags)
gateway = aws.ec2.InternetGateway("va", vpc_id=vpc.id, tags=tags)
zones = aws.get_availability_zones(region="us-east-1", state="available")
subnet = aws.ec2.Subnet("va", vpc_id=vpc.id, cidr_block="198.19.192.0/25", availability_zone=zones.names[0], tags=tags)
table = aws.ec2.RouteTable("va", vpc_id=vpc.id, tags=tags,
    routes=[aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id)])
routed = aws.ec2.RouteTableAssociation("va", subnet_id=subnet.id, route_table_id=table.id)
group = aws.ec2.SecurityGroup("va", name="fleet-va", description="fleet:test va", vpc_id=vpc.id, tags=tags,
    egress=[aws.ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])])
aws.vpc.SecurityGroupIngressRule("va", security_group_id=group.id, ip_protocol="tcp", from_port=22, to_port=22,
    cidr_ipv4="198.18.0.0/24")
key = aws.ec2.KeyPair("va", key_name="fleet-va", public_key="{key}", tags=tags)
image = aws.ec2.get_ami_output(owners=["136693071363"], most_recent=True,
    filters=[{{"name": "name", "values": ["debian-13-amd64-*"]}}])
server = aws.ec2.Instance("va", ami=image.id, instance_type="{type}", key_name=key.key_name, subnet_id=subnet.id,
    vpc_security_group_ids=[group.id], associate_public_ip_address=True, user_data="{user_data}",
    instance_market_options=aws.ec2.InstanceInstanceMarketOptionsArgs(market_type="spot"), tags=tags,
    metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required", http_put_response_hop_limit=1),
    opts=pulumi.ResourceOptions(depends_on=[routed]))
address = aws.ec2.Eip("va", domain="vpc", tags=tags)
aws.ec2.EipAssociation("va", instance_id=server.id, allocation_id=address.allocation_id)
pulumi.export("address", address.public_ip)
pulumi.export("lifecycle", server.instance_lifecycle)
"""


def machine(engine, id: str) -> dict:
    return CloudStore(engine.home).snapshot().document["paper"][id]


def test_a_lightsail_servers_life(engine):
    engine.program(LIGHTSAIL.format(key=KEY, bundle="large_3_0"))
    assert engine.up().changes() == {"created": 6}
    assert engine.outputs() == {"address": addresses(engine.home)[0].address, "user": "admin"}
    assert engine.refresh().changes() == {"unchanged": 6}
    assert engine.up().changes() == {"unchanged": 6}

    # Everything follows the replaced server: its ports and its address.
    engine.program(LIGHTSAIL.format(key=KEY, bundle="xlarge_3_0"))
    assert engine.preview()["tyo"]["op"] == "replace"
    assert engine.up().changes() == {"replaced": 3, "unchanged": 3}
    assert machine(engine, "fleet-tyo")["firewall"] == ["tcp 22 from 198.18.0.0/24", "icmp  from 0.0.0.0/0"]
    assert addresses(engine.home)[0].holder == "fleet-tyo"
    assert engine.destroy().code == 0
    assert servers(engine.home) == () == addresses(engine.home)


def test_an_ec2_servers_life(engine):
    engine.program(EC2.format(key=KEY, type="c7i.large", user_data="#cloud-config"))
    assert engine.up().changes() == {"created": 12}
    assert engine.outputs() == {"address": addresses(engine.home)[0].address, "lifecycle": "spot"}
    assert engine.refresh().changes() == {"unchanged": 12}

    # The type and user data change in place, key and network replace.
    engine.program(EC2.format(key=KEY, type="c7i.xlarge", user_data="#cloud-config other"))
    assert engine.up().changes() == {"updated": 1, "unchanged": 11}
    server = servers(engine.home)[0]
    assert machine(engine, server.id)["firewall"] == ["tcp 22 from 198.18.0.0/24"]
    assert "deleted" in engine.destroy().changes()
    assert servers(engine.home) == () == addresses(engine.home)


def test_lightsail_has_no_debian_13(engine):
    engine.program("""
        import pulumi_aws as aws
        aws.lightsail.Instance("a", name="a", availability_zone="us-east-1a", blueprint_id="debian_13",
            bundle_id="large_3_0")
        aws.lightsail.InstancePublicPorts("a", instance_name="none", port_infos=[
            aws.lightsail.InstancePublicPortsPortInfoArgs(protocol="tcp", from_port=22, to_port=22)])
        aws.ec2.Vpc("a", cidr_block="198.0.0.0/8")
    """)
    failed = engine.up("--continue-on-error")
    assert failed.code != 0
    assert "InvalidInputException: The blueprint ID is not valid: debian_13." in failed.text
    assert "NotFoundException: The Instance does not exist: none" in failed.text
    assert "InvalidVpc.Range: The CIDR '198.0.0.0/8' is invalid." in failed.text
