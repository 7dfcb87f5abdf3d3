"""Static addresses, declared in a stack of their own: a broker allow-lists API keys by address, so an address outlives
the server behind it. ``infra.address_book`` is how every other stack reads them.
"""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration
from fleet.model.stack import DigitalOceanHost, Ec2Host, ExistingHost, Host, LightsailHost, VultrHost
from infra.retry import rate_limit_hooks
from infra.servers.server import fleet_tag


def declare_addresses(configuration: Configuration) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare the static address of every host of the reserved regions; returns the stack's ``addresses`` output."""
    reserved = set(configuration.addresses.regions)
    return {
        ref.id: declare_address(configuration.fleet.name, ref.id, ref.host)
        for ref in configuration.hosts()
        if ref.region in reserved
    }


def declare_address(fleet: str, host_id: str, host: Host) -> dict[str, pulumi.Input[str]]:
    """Declare the static address of one host; returns its ``handle`` and ``address``."""
    name = f"{fleet}-{host_id}"
    # An address is what the outside world knows of us: nothing removes it but an explicit unprotect.
    options = pulumi.ResourceOptions(protect=True, hooks=rate_limit_hooks())
    match host:
        case ExistingHost():
            return {"handle": "", "address": str(host.address)}
        case VultrHost():
            import ediri_vultr as vultr

            # The attachment belongs to the instance (given at its creation), not to the address.
            kept = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(ignore_changes=["instanceId"]))
            vultr_ip = vultr.ReservedIp(
                host_id, region=host.location, ip_type="v4", label=f"{fleet_tag(fleet)} {host_id}", opts=kept
            )
            return {"handle": vultr_ip.id, "address": vultr_ip.subnet}
        case DigitalOceanHost():
            import pulumi_digitalocean as digitalocean

            kept = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(ignore_changes=["dropletId"]))
            droplet_ip = digitalocean.ReservedIp(host_id, region=host.location, opts=kept)
            return {"handle": droplet_ip.ip_address, "address": droplet_ip.ip_address}
        case LightsailHost():
            import pulumi_aws as aws

            # Lightsail keeps one space of names for everything: the instance has the plain one.
            static = aws.lightsail.StaticIp(host_id, name=f"{name}-address", region=host.location, opts=options)
            return {"handle": static.name, "address": static.ip_address}
        case Ec2Host():
            import pulumi_aws as aws

            elastic = aws.ec2.Eip(
                host_id,
                domain="vpc",
                region=host.location,
                tags={"fleet": fleet, "host": host_id, "Name": name},
                opts=options,
            )
            return {"handle": elastic.allocation_id, "address": elastic.public_ip}
