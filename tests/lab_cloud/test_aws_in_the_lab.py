"""AWS in the lab: Lightsail's names and by-name deletes, EC2's network, groups and addresses."""

from __future__ import annotations

import pytest

LIGHTSAIL = {"name": "fleet-tyo", "availabilityZone": "ap-northeast-1a", "blueprintId": "debian_12"}
LIGHTSAIL |= {"bundleId": "large_3_0", "region": "ap-northeast-1"}
SERVER, KEY, PORTS = "lightsail/instance", "lightsail/keyPair", "lightsail/instancePublicPorts"
SSH = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrs": ["198.18.0.0/24"]}
REGION = "us-east-1"


@pytest.fixture
def aws(account):
    return account("aws")


@pytest.fixture
def network(aws):
    """A Vpc with one subnet that reaches the internet; ids by name."""
    vpc, _ = aws.create("Vpc", cidrBlock="198.19.192.0/24")
    gateway, _ = aws.create("InternetGateway", vpcId=vpc)
    subnet, _ = aws.create("Subnet", vpcId=vpc, cidrBlock="198.19.192.0/25", availabilityZone="us-east-1a")
    table, _ = aws.create("RouteTable", vpcId=vpc, routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}])
    aws.create("RouteTableAssociation", subnetId=subnet, routeTableId=table)
    group, _ = aws.create(
        "SecurityGroup",
        name="nj",
        vpcId=vpc,
        ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["198.18.0.0/24"]}],
    )
    return {"vpc": vpc, "gateway": gateway, "subnet": subnet, "table": table, "group": group}


@pytest.fixture
def instance(aws, network):
    """Inputs of an EC2 instance that can be had."""
    filters = [{"name": "name", "values": ["debian-13-amd64-*"]}]
    image = aws.calls.look_up("aws:ec2/getAmi:getAmi", {"filters": filters, "mostRecent": True, "region": REGION})
    return {
        "ami": image["id"],
        "instanceType": "c7i.xlarge",
        "subnetId": network["subnet"],
        "vpcSecurityGroupIds": [network["group"]],
        "associatePublicIpAddress": True,
    }


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"blueprintId": "debian_13"}, "InvalidInputException: The blueprint ID is not valid: debian_13."),
        ({"bundleId": "large_9_0"}, "InvalidInputException: The bundle ID is not valid: large_9_0."),
        ({"availabilityZone": "us-east-1a"}, "The Availability Zone is invalid in ap-northeast-1: us-east-1a."),
        ({"region": "mx-central-1"}, "lookup lightsail.mx-central-1.amazonaws.com: no such host"),
        ({"keyPairName": "none"}, "NotFoundException: The KeyPair does not exist: none"),
    ],
)
def test_lightsail_refuses_what_it_does_not_sell(aws, changed, text):
    refusal = aws.refusal(SERVER, **(LIGHTSAIL | changed))
    assert refusal.startswith("creating Lightsail Instance: operation error Lightsail: CreateInstances")
    assert text in refusal


def test_lightsails_names_are_unique(aws, public_key):
    aws.create(SERVER, **LIGHTSAIL)
    assert "Some names are already in use: fleet-tyo" in aws.refusal(SERVER, **LIGHTSAIL)
    aws.create(KEY, name="fleet-tyo", publicKey=public_key)
    assert "Some names are already in use: fleet-tyo" in aws.refusal(KEY, name="fleet-tyo", publicKey=public_key)


def test_a_static_address_detaches_by_its_name_whoever_holds_it(aws):
    aws.create(SERVER, **LIGHTSAIL)
    aws.create(SERVER, **(LIGHTSAIL | {"name": "second"}))
    _, address = aws.create("StaticIp", name="tyo", region="ap-northeast-1")
    attach = {"staticIpName": "tyo", "region": "ap-northeast-1"}
    attachment, _ = aws.create("StaticIpAttachment", **attach, instanceName="fleet-tyo")
    assert aws.read(SERVER, "fleet-tyo").properties["publicIpAddress"] == address["ipAddress"]
    taken = aws.refusal("StaticIpAttachment", **attach, instanceName="second")
    assert "already attached to fleet-tyo" in taken
    aws.delete("StaticIpAttachment", attachment)
    aws.create("StaticIpAttachment", **attach, instanceName="second")
    aws.delete("StaticIpAttachment", attachment)
    assert aws.machine("second")["addresses"] == []


def test_deleting_ports_closes_what_a_newer_object_opened(aws):
    aws.create(SERVER, **LIGHTSAIL)
    assert "tcp 80 from 0.0.0.0/0" in aws.machine("fleet-tyo")["firewall"]
    ports = {"instanceName": "fleet-tyo", "portInfos": [SSH], "region": "ap-northeast-1"}
    old, _ = aws.create(PORTS, **ports)
    assert aws.machine("fleet-tyo")["firewall"] == ["tcp 22 from 198.18.0.0/24"]
    udp = {"protocol": "udp", "fromPort": 51820, "toPort": 51821}
    aws.create(PORTS, **(ports | {"portInfos": [SSH, udp]}))
    aws.delete(PORTS, old)
    assert aws.machine("fleet-tyo")["firewall"] == ["udp 51820-51821 from 0.0.0.0/0"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"ami": "ami-1"}, "InvalidAMIID.NotFound: The image id '[ami-1]' does not exist"),
        ({"instanceType": "c9.mega"}, "InvalidParameterValue: Invalid value 'c9.mega' for InstanceType."),
        ({"instanceType": "c7g.xlarge"}, "The architecture 'arm64' of the specified instance type does not match"),
        ({"subnetId": "subnet-1"}, "InvalidSubnetID.NotFound: The subnet ID 'subnet-1' does not exist"),
        ({"availabilityZone": "us-east-1b"}, "The subnet is not in the Availability Zone us-east-1b."),
        ({"keyName": "none"}, "InvalidKeyPair.NotFound: The key pair 'none' does not exist"),
        ({"vpcSecurityGroupIds": ["sg-1"]}, "InvalidGroup.NotFound: The security group 'sg-1' does not exist"),
        ({"userData": "x" * 17_000}, "User data is limited to 16384 bytes"),
    ],
)
def test_ec2_refuses_what_it_cannot_run(aws, instance, changed, text):
    refusal = aws.refusal("ec2/instance", **(instance | changed))
    assert refusal.startswith("creating EC2 Instance: operation error EC2: RunInstances")
    assert text in refusal


def test_an_image_of_another_region_does_not_exist(aws, instance):
    filters = [{"name": "name", "values": ["debian-13-amd64-*"]}]
    token = "aws:ec2/getAmi:getAmi"
    other = aws.calls.look_up(token, {"filters": filters, "mostRecent": True, "region": "eu-west-2"})
    assert "InvalidAMIID.NotFound" in aws.refusal("ec2/instance", **(instance | {"ami": other["id"]}))
    with pytest.raises(Exception, match="more than one result"):
        aws.calls.look_up(token, {"filters": filters, "region": REGION})
    with pytest.raises(Exception, match="returned no results"):
        aws.calls.look_up(token, {"owners": ["1"], "region": REGION})


def test_an_elastic_address_is_what_the_world_sees(aws, instance, network):
    server, properties = aws.create("ec2/instance", **instance)
    allocation, address = aws.create("Eip", domain="vpc")
    association, _ = aws.create("EipAssociation", instanceId=server, allocationId=allocation)
    assert aws.read("ec2/instance", server).properties["publicIp"] == address["publicIp"] != properties["publicIp"]
    with pytest.raises(Exception, match=r"InvalidIPAddress\.InUse"):
        aws.delete("Eip", allocation)
    refusal = aws.refusal("EipAssociation", instanceId=server, allocationId=allocation, allowReassociation=False)
    assert f"Resource.AlreadyAssociated: resource {allocation} is already associated" in refusal
    aws.delete("EipAssociation", association)
    aws.delete("Eip", allocation)
    assert aws.read("ec2/instance", server).properties["publicIp"] == properties["publicIp"]


def test_an_address_needs_a_way_to_the_internet(aws, instance, network):
    server, _ = aws.create("ec2/instance", **instance)
    aws.delete("InternetGateway", network["gateway"])
    allocation, _ = aws.create("Eip", domain="vpc")
    refusal = aws.refusal("EipAssociation", instanceId=server, allocationId=allocation)
    assert f"Gateway.NotAttached: Network {network['vpc']} is not attached to any internet gateway" in refusal


def test_what_is_in_use_cannot_be_deleted(aws, instance, network):
    server, _ = aws.create("ec2/instance", **instance)
    for type, name in (("SecurityGroup", "group"), ("Subnet", "subnet"), ("Vpc", "vpc")):
        with pytest.raises(Exception, match="DependencyViolation"):
            aws.delete(type, network[name])
    aws.delete("ec2/instance", server)
    aws.delete("SecurityGroup", network["group"])


def test_a_group_is_the_sum_of_its_inner_and_its_own_rules(aws, instance, network):
    server, _ = aws.create("ec2/instance", **instance)
    rule, _ = aws.create(
        "SecurityGroupIngressRule",
        securityGroupId=network["group"],
        ipProtocol="udp",
        fromPort=51820,
        toPort=51821,
        cidrIpv4="0.0.0.0/0",
    )
    inner = "tcp 22 from 198.18.0.0/24"
    assert aws.machine(server)["firewall"] == [inner, "udp 51820-51821 from 0.0.0.0/0"]
    aws.delete("SecurityGroupIngressRule", rule)
    assert aws.machine(server)["firewall"] == [inner]


def test_networks_must_fit(aws, network):
    assert "is not a valid IPv4 CIDR block" in aws.problems("Vpc", cidrBlock="198.19.0.1/24")[0]
    assert "InvalidVpc.Range" in aws.refusal("Vpc", cidrBlock="198.0.0.0/8")
    subnet = {"vpcId": network["vpc"], "availabilityZone": "us-east-1a"}
    assert "InvalidSubnet.Range" in aws.refusal("Subnet", **subnet, cidrBlock="198.18.0.0/24")
    assert "InvalidSubnet.Conflict" in aws.refusal("Subnet", **subnet, cidrBlock="198.19.192.0/26")
    other_zone = subnet | {"availabilityZone": "us-east-1z"}
    refusal = aws.refusal("Subnet", **other_zone, cidrBlock="198.19.192.128/25")
    assert "Value (us-east-1z) for parameter availabilityZone is invalid." in refusal


def test_every_protocol_has_no_ports(aws):
    rule = {"protocol": "-1", "fromPort": 1, "toPort": 65535, "cidrBlocks": ["0.0.0.0/0"]}
    assert "must both be 0" in aws.problems("SecurityGroup", name="x", egress=[rule])[0]


def test_spot_shows_in_the_instance(aws, instance):
    _, properties = aws.create("ec2/instance", **instance, instanceMarketOptions={"marketType": "spot"})
    assert properties["instanceLifecycle"] == "spot"
    assert properties["spotInstanceRequestId"].startswith("sir-")
    wrong = aws.problems("ec2/instance", **instance, instanceMarketOptions={"marketType": "cheap"})
    assert "expected market_type to be one of" in wrong[0]


def test_a_key_pairs_name_is_unique(aws, public_key):
    aws.create("ec2/keyPair", keyName="nj", publicKey=public_key)
    assert "InvalidKeyPair.Duplicate" in aws.refusal("ec2/keyPair", keyName="nj", publicKey=public_key)
