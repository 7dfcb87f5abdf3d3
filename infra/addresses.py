"""Static addresses: declared in a stack of their own, read by every other one.

A broker allow-lists API keys by address, so an address outlives the server behind it. This is the only stack that
another stack references.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import DigitalOceanHost, Ec2Host, ExistingHost, LightsailHost, VultrHost
from infra.retry import rate_limit_hooks
from infra.servers.server import ReservedAddress, fleet_tag

OUTPUT = "addresses"


def declare_addresses(configuration: Configuration) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare the static address of every host of the reserved regions; returns the stack's ``addresses`` output."""
    reserved = set(configuration.addresses.regions)
    return {
        ref.id: _declare(configuration.fleet.name, ref) for ref in configuration.hosts() if ref.region in reserved
    }


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


@dataclass(frozen=True)
class AddressBook:
    """What the ``addresses`` stack exported: the static address of every host that has one."""

    entries: Mapping[str, ReservedAddress]

    def reserved(self, host_id: str, region: str) -> ReservedAddress:
        """The address of a host that is about to be declared.

        Raises:
            pulumi.RunError: the host has no address yet; says which command reserves it.
        """
        entry = self.entries.get(host_id)
        if entry is None:
            raise pulumi.RunError(
                f"{host_id}: no static address is reserved for it in stack 'addresses'. "
                f"Add {region} to fleet:regions in Pulumi.addresses.yaml and run: pulumi up -s addresses"
            )
        return entry

    def address(self, host_id: str) -> str | None:
        """The address of any host of the fleet, None where none is reserved yet."""
        entry = self.entries.get(host_id)
        return entry.address if entry else None


async def read_addresses(project: str) -> AddressBook:
    """Read the ``addresses`` stack.

    Raises:
        pulumi.RunError: the stack has no such output (never brought up), or it arrives in another shape (as it does,
            without any error from the engine, when it was encrypted with another passphrase).
    """
    name = f"{pulumi.get_organization()}/{project}/addresses"
    reference = pulumi.StackReference("addresses-outputs", stack_name=name)
    exported = (await asyncio.ensure_future(reference.get_output_details(OUTPUT))).value
    if exported is None:
        raise pulumi.RunError(
            "stack 'addresses' exports no addresses: it was never brought up. Run: pulumi up -s addresses"
        )
    if not isinstance(exported, Mapping) or not all(_well_formed(entry) for entry in exported.values()):
        raise pulumi.RunError(
            "the addresses in stack 'addresses' cannot be read: was it encrypted with another passphrase? "
            "All stacks of a fleet share one (PULUMI_CONFIG_PASSPHRASE_FILE)."
        )
    return AddressBook({name: ReservedAddress(**entry) for name, entry in exported.items()})


def _well_formed(entry: object) -> bool:
    return isinstance(entry, Mapping) and set(entry) == {"handle", "address"} and bool(entry["address"])
