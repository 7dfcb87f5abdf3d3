"""Static addresses, declared in a stack of their own: a broker allow-lists API keys by address, so an address outlives
the server behind it. ``infra.address_book`` is how every other stack reads them.
"""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import DigitalOceanHost, Ec2Host, ExistingHost, LightsailHost, VultrHost
from infra.retry import rate_limit_hooks
from infra.servers.server import fleet_tag


def declare_addresses(configuration: Configuration) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare the static address of every host of the reserved regions; returns the stack's ``addresses`` output."""
    reserved = set(configuration.addresses.regions)
    return {ref.id: _declare(configuration.fleet.name, ref) for ref in configuration.hosts() if ref.region in reserved}


def _declare(fleet: str, ref: HostRef) -> dict[str, pulumi.Input[str]]:
    name = f"{fleet}-{ref.id}"
    # An address is what the outside world knows of us: nothing removes it but an explicit unprotect.
    options = pulumi.ResourceOptions(protect=True, hooks=rate_limit_hooks())
    match ref.host:
        case ExistingHost() as host:
            return {"handle": "", "address": str(host.address)}
        case VultrHost() as host:
            import ediri_vultr as vultr

            # The attachment belongs to the instance (given at its creation), not to the address.
            kept = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(ignore_changes=["instanceId"]))
            vultr_ip = vultr.ReservedIp(
                ref.id, region=host.location, ip_type="v4", label=f"{fleet_tag(fleet)} {ref.id}", opts=kept
            )
            return {"handle": vultr_ip.id, "address": vultr_ip.subnet}
        case DigitalOceanHost() as host:
            import pulumi_digitalocean as digitalocean

            kept = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(ignore_changes=["dropletId"]))
            droplet_ip = digitalocean.ReservedIp(ref.id, region=host.location, opts=kept)
            return {"handle": droplet_ip.ip_address, "address": droplet_ip.ip_address}
        case LightsailHost() as host:
            import pulumi_aws as aws

            # Lightsail keeps one space of names for everything: the instance has the plain one.
            static = aws.lightsail.StaticIp(ref.id, name=f"{name}-address", region=host.location, opts=options)
            return {"handle": static.name, "address": static.ip_address}
        case Ec2Host() as host:
            import pulumi_aws as aws

            elastic = aws.ec2.Eip(
                ref.id,
                domain="vpc",
                region=host.location,
                tags={"fleet": fleet, "host": ref.id, "Name": name},
                opts=options,
            )
            return {"handle": elastic.allocation_id, "address": elastic.public_ip}
