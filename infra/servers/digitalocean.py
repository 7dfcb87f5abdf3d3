"""A server at DigitalOcean: SSH key, droplet, firewall by droplet, assignment of the reserved address.

Inbound traffic to the reserved address reaches the droplet's anchor address. Outbound traffic leaves by the reserved
address only when the default route goes through the anchor gateway: ``templates/egress`` does that on the host.
"""

from __future__ import annotations

import pulumi
import pulumi_digitalocean as digitalocean

from fleet.model.stack import DigitalOceanHost
from infra.firewall import Opening
from infra.servers.server import Server, ServerRequest, machine_options, part_options, registered_key_options


class DigitalOceanServer(pulumi.ComponentResource):
    """One droplet and what belongs to it alone."""

    def __init__(self, request: ServerRequest, host: DigitalOceanHost) -> None:
        super().__init__("fleet:servers:DigitalOcean", request.id)
        key = digitalocean.SshKey(
            request.id,
            name=f"{request.fleet}-{request.id}",
            public_key=request.provider_key,
            opts=registered_key_options(self, "publicKey"),
        )
        self.droplet = digitalocean.Droplet(
            request.id,
            name=request.id,
            image=request.image,
            region=host.location,
            size=host.plan,
            ssh_keys=[key.fingerprint],
            user_data=request.user_data,
            ipv6=False,
            monitoring=False,
            tags=[request.tag, f"host:{request.id}"],
            opts=machine_options(request, self, ["userData", "sshKeys", "image", "name"]),
        )
        firewall = digitalocean.Firewall(
            request.id,
            name=f"{request.fleet}-{request.id}",
            droplet_ids=[self.droplet.id.apply(int)],
            inbound_rules=[_inbound(opening) for opening in request.openings],
            outbound_rules=[
                digitalocean.FirewallOutboundRuleArgs(
                    protocol=protocol,
                    port_range=None if protocol == "icmp" else "1-65535",
                    destination_addresses=["0.0.0.0/0"],
                )
                for protocol in ("tcp", "udp", "icmp")
            ],
            opts=part_options(self),
        )
        address = request.static.address
        assignment = digitalocean.ReservedIpAssignment(
            request.id,
            droplet_id=self.droplet.id.apply(int),
            ip_address=address,
            opts=part_options(self, delete_before_replace=True, deleted_with=self.droplet),
        )
        # Reachable by the reserved address only once it is assigned and the firewall lets ssh through.
        reachable = pulumi.Output.all(assignment.ip_address, firewall.id).apply(lambda both: str(both[0]))
        self.server = Server(resource=self.droplet, address=reachable, egress=pulumi.Output.from_input(address))
        self.register_outputs({})


def _inbound(opening: Opening) -> digitalocean.FirewallInboundRuleArgs:
    return digitalocean.FirewallInboundRuleArgs(
        protocol=opening.protocol,
        port_range=None if opening.protocol == "icmp" else opening.ports,
        source_addresses=[str(source) for source in opening.sources],
    )
