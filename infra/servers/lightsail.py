"""A server at AWS Lightsail: key pair, instance with a shell launch script, static address, public ports.

Detaching a static address and closing ports work by the instance's *name* there: a new server's attachment would be
undone by the old one's delete. Both parts are therefore deleted before they are replaced.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from fleet.model.stack import LightsailHost
from infra.firewall import Opening
from infra.servers.server import Server, ServerRequest, machine_options, part_options, registered_key_options


class LightsailServer(pulumi.ComponentResource):
    """One Lightsail instance and what belongs to it alone."""

    def __init__(self, request: ServerRequest, host: LightsailHost) -> None:
        super().__init__("fleet:servers:Lightsail", request.id)
        region = host.location
        name = f"{request.fleet}-{request.id}"
        tags = {"fleet": request.fleet, "host": request.id}
        key = aws.lightsail.KeyPair(
            request.id,
            name=f"{name}-key",
            public_key=request.provider_key,
            region=region,
            tags=tags,
            opts=registered_key_options(self, "publicKey"),
        )
        self.instance = aws.lightsail.Instance(
            request.id,
            name=name,
            availability_zone=f"{region}a",
            blueprint_id=request.image,
            bundle_id=host.plan,
            key_pair_name=key.name,
            user_data=request.user_data,
            ip_address_type="ipv4",
            region=region,
            tags=tags,
            opts=machine_options(request, self, ["userData", "keyPairName", "blueprintId", "name"]),
        )
        # replace_with: when the machine is replaced its ports and attachment are made anew with it.
        follows = {"delete_before_replace": True, "deleted_with": self.instance, "replace_with": [self.instance]}
        attachment = aws.lightsail.StaticIpAttachment(
            request.id,
            instance_name=self.instance.name,
            static_ip_name=request.static.handle,
            region=region,
            opts=part_options(self, **follows),
        )
        ports = aws.lightsail.InstancePublicPorts(
            request.id,
            instance_name=self.instance.name,
            port_infos=[_port_info(opening) for opening in request.openings],
            region=region,
            opts=part_options(self, **follows),
        )
        address = request.static.address
        reachable = pulumi.Output.all(attachment.ip_address, ports.id).apply(lambda both: str(both[0]))
        self.server = Server(resource=self.instance, address=reachable, egress=pulumi.Output.from_input(address))
        self.register_outputs({})


def _port_info(opening: Opening) -> aws.lightsail.InstancePublicPortsPortInfoArgs:
    icmp = opening.protocol == "icmp"
    return aws.lightsail.InstancePublicPortsPortInfoArgs(
        protocol=opening.protocol,
        # Lightsail gives icmp's type and code in these two fields: 8 is echo request, -1 every code.
        from_port=8 if icmp else opening.first,
        to_port=-1 if icmp else opening.last,
        cidrs=[str(source) for source in opening.sources],
    )
