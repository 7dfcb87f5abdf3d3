"""A server at Vultr: SSH key, firewall group and rules, instance with its reserved address given at creation."""

from __future__ import annotations

import ediri_vultr as vultr
import pulumi

from fleet.model.stack import VultrHost
from infra.firewall import Opening
from infra.servers.server import Server, ServerRequest, machine_options, part_options, registered_key_options


class VultrServer(pulumi.ComponentResource):
    """One Vultr instance and what belongs to it alone.

    The reserved address is the instance's main one only when it is given at creation (facts of the provider), so it
    is an input of the instance and survives it in the ``addresses`` stack.
    """

    def __init__(self, request: ServerRequest, host: VultrHost) -> None:
        super().__init__("fleet:servers:Vultr", request.id)
        key = vultr.SSHKey(
            request.id,
            name=f"{request.fleet}-{request.id}",
            ssh_key=request.provider_key,
            opts=registered_key_options(self, "sshKey"),
        )
        group = vultr.FirewallGroup(request.id, description=f"{request.tag} {request.id}", opts=part_options(self))
        rules = [rule for opening in request.openings for rule in self._rules(request, group, opening)]
        self.instance = vultr.Instance(
            request.id,
            plan=host.plan,
            region=host.location,
            os_id=request.image.apply(int),
            label=request.id,
            hostname=request.id,
            tags=[request.tag, f"host:{request.id}"],
            ssh_key_ids=[key.id],
            user_data=request.user_data,
            firewall_group_id=group.id,
            reserved_ip_id=request.static.handle,
            enable_ipv6=False,
            activation_email=False,
            backups="disabled",
            opts=pulumi.ResourceOptions.merge(
                machine_options(request, self, ["userData", "sshKeyIds", "osId", "hostname", "reservedIpId"]),
                # A server must not be up before its firewall is: the rules come first.
                pulumi.ResourceOptions(depends_on=rules),
            ),
        )
        self.server = Server(resource=self.instance, address=self.instance.main_ip, egress=self.instance.main_ip)
        self.register_outputs({})

    def _rules(self, request: ServerRequest, group: vultr.FirewallGroup, opening: Opening) -> list[vultr.FirewallRule]:
        return [
            vultr.FirewallRule(
                f"{request.id}-{opening.purpose}-{opening.protocol}-{opening.first}-{source.network_address}",
                firewall_group_id=group.id,
                ip_type="v4",
                protocol=opening.protocol,
                port=None if opening.protocol == "icmp" else opening.ports.replace("-", ":"),
                subnet=str(source.network_address),
                subnet_size=source.prefixlen,
                notes=opening.purpose,
                opts=part_options(self),
            )
            for source in opening.sources
        ]
