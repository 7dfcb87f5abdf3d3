"""The clouds' own lists: servers and addresses with what an orphan hunt needs to know of them."""

from __future__ import annotations

import pytest

from lab.cloud.errors import CloudError
from lab.cloud.inventory import addresses, remove, servers
from lab.cloud.store import CloudStore, Record


def test_every_server_is_listed_with_its_tags_and_address(account):
    vultr, ocean, aws = account("vultr"), account("digitalocean"), account("aws")
    tags = ["fleet:test", "host:x"]
    _, nj = vultr.create("Instance", plan="vhp-4c-8gb-amd", region="ewr", osId=2625, label="nj", tags=tags)
    size = {"image": "debian-13-x64", "region": "sgp1", "size": "s-4vcpu-8gb"}
    _, sg = ocean.create("Droplet", name="sg", **size, tags=tags)
    lightsail = {"availabilityZone": "us-east-1a", "blueprintId": "debian_12", "bundleId": "large_3_0"}
    _, tyo = aws.create("lightsail/instance", name="tyo", **lightsail, tags={"fleet": "test"})
    listed = [(s.provider, s.name, s.tags, s.address, s.plan, s.region) for s in servers(vultr.home)]
    assert listed == [
        ("vultr", "nj", ("fleet:test", "host:x"), nj["mainIp"], "vhp-4c-8gb-amd", "ewr"),
        ("digitalocean", "sg", ("fleet:test", "host:x"), sg["ipv4Address"], "s-4vcpu-8gb", "sgp1"),
        ("aws", "tyo", ("fleet=test",), tyo["publicIpAddress"], "large_3_0", "us-east-1"),
    ]


def test_an_address_says_who_holds_it(account):
    vultr, aws = account("vultr"), account("aws")
    free, _ = vultr.create("ReservedIp", region="ewr", ipType="v4", label="fleet:test free")
    held, _ = vultr.create("ReservedIp", region="ewr", ipType="v4", label="fleet:test nj")
    server, _ = vultr.create("Instance", plan="vhp-4c-8gb-amd", region="ewr", osId=2625, reservedIpId=held)
    aws.create("Eip", domain="vpc", tags={"Name": "fleet-va"})
    by_name = {entry.name: entry for entry in addresses(vultr.home)}
    assert by_name["fleet:test nj"].holder == server
    assert by_name["fleet:test free"].holder == by_name["fleet-va"].holder == ""
    assert (by_name["fleet:test free"].token, by_name["fleet:test free"].id) == (vultr.token("ReservedIp"), free)


def test_an_orphan_can_be_removed_through_its_provider(account):
    vultr = account("vultr")
    vultr.create("Instance", plan="vhp-4c-8gb-amd", region="ewr", osId=2625, label="nj")
    vultr.create("ReservedIp", region="ewr", ipType="v4")
    remove(vultr.home, servers(vultr.home)[0])
    remove(vultr.home, addresses(vultr.home)[0])
    assert servers(vultr.home) == () == addresses(vultr.home)


def test_an_address_in_use_is_not_released(account):
    aws = account("aws")
    token = aws.token("Eip")
    with CloudStore(aws.home).transaction() as state:
        state.put(
            "aws",
            token,
            "eipalloc-1",
            Record({"region": "us-east-1"}, {"publicIp": "198.19.224.9"}, {"association": "a"}),
        )
    with pytest.raises(CloudError, match=r"InvalidIPAddress\.InUse: Address 198\.19\.224\.9 is in use\."):
        remove(aws.home, addresses(aws.home)[0])
