"""DigitalOcean by the real engine and the real SDK: a droplet with all that belongs to it."""

from __future__ import annotations

import pytest

from lab.cloud.inventory import addresses, servers

pytestmark = pytest.mark.engine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"

FLEET = """
import pulumi_digitalocean as ocean
tag = ocean.Tag("fleet", name="fleet:test")
key = ocean.SshKey("sg", name="fleet-sg", public_key="{key}")
image = ocean.get_image_output(slug="debian-13-x64")
droplet = ocean.Droplet("sg", name="sg", image=image.slug, region="sgp1", size="{size}", ssh_keys=[key.fingerprint],
    user_data=pulumi.Output.secret("{user_data}"), ipv6=False, monitoring=False, tags=[tag.name],
    opts=pulumi.ResourceOptions(ignore_changes={ignored}))
number = droplet.id.apply(int)
ocean.Firewall("sg", name="fleet-sg", droplet_ids=[number], inbound_rules=[
    ocean.FirewallInboundRuleArgs(protocol="tcp", port_range="22", source_addresses={sources}),
    ocean.FirewallInboundRuleArgs(protocol="icmp", source_addresses=["0.0.0.0/0"])])
reserved = ocean.ReservedIp("sg", region="sgp1", opts=pulumi.ResourceOptions(ignore_changes=["dropletId"]))
ocean.ReservedIpAssignment("sg", droplet_id=number, ip_address=reserved.ip_address)
pulumi.export("reserved", reserved.ip_address)
pulumi.export("urn", droplet.droplet_urn)
"""

SOURCES = '["198.18.0.0/24", "198.18.1.0/24"]'


def fleet(
    size: str = "s-2vcpu-4gb", user_data: str = "#cloud-config", ignored: str = "[]", sources: str = SOURCES
) -> str:
    return FLEET.format(key=KEY, size=size, user_data=user_data, ignored=ignored, sources=sources)


def test_a_droplets_life(engine):
    engine.program(fleet())
    assert engine.up().changes() == {"created": 7}
    droplet = servers(engine.home)[0]
    assert engine.outputs() == {"reserved": addresses(engine.home)[0].address, "urn": f"do:droplet:{droplet.id}"}
    assert addresses(engine.home)[0].holder == droplet.id
    assert engine.refresh().changes() == {"unchanged": 7}

    # The same rule written in another order is no change; a size is one, in place.
    engine.program(fleet(sources='["198.18.1.0/24", "198.18.0.0/24"]'))
    assert engine.preview() == {}
    engine.program(fleet(size="s-4vcpu-8gb"))
    assert engine.up().changes() == {"updated": 1, "unchanged": 6}

    # A replacement creates first: the assignment moves, and undoing the old one does not undo the new one.
    engine.program(fleet(size="s-4vcpu-8gb", user_data="#cloud-config other", ignored='["userData"]'))
    assert engine.preview() == {}
    engine.program(fleet(size="s-4vcpu-8gb", user_data="#cloud-config other"))
    assert engine.preview()["sg"]["op"] in ("replace", "update")
    assert engine.up().changes() == {"updated": 1, "replaced": 2, "unchanged": 4}
    assert [server.id for server in servers(engine.home)] == [addresses(engine.home)[0].holder] != [droplet.id]

    assert "deleted" in engine.destroy().changes()
    assert servers(engine.home) == () == addresses(engine.home)


def test_several_mistakes_come_in_the_providers_words(engine):
    engine.program("""
        import pulumi_digitalocean as ocean
        ocean.Droplet("size", image="debian-13-x64", region="sgp1", size="s-5vcpu")
        ocean.Droplet("place", image="debian-13-x64", region="sfo1", size="s-4vcpu-8gb")
        ocean.Droplet("image", image="debian-14-x64", region="sgp1", size="s-4vcpu-8gb")
    """)
    failed = engine.up("--continue-on-error")
    assert failed.code != 0
    for text in (
        "You specified an invalid size for Droplet creation: s-5vcpu.",
        "Size s-4vcpu-8gb is not available in this region: sfo1.",
        "You specified an invalid image for Droplet creation: debian-14-x64.",
    ):
        assert text in failed.text
    assert servers(engine.home) == ()
