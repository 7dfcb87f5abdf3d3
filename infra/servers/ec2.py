"""A server at AWS EC2: a small network of its own, security group, key pair, instance (spot where asked), Elastic IP.

The host sees a private address only; the Elastic IP is a 1:1 translation in front of it, so what a venue sees is the
Elastic IP without any configuration on the host.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from fleet.model.stack import Ec2Host
from infra.firewall import Opening
from infra.servers.server import Server, ServerRequest, machine_options, part_options, registered_key_options


class Ec2Server(pulumi.ComponentResource):
    """One EC2 instance in a network of its own, and what belongs to it alone."""

    def __init__(self, request: ServerRequest, host: Ec2Host) -> None:
        super().__init__("fleet:servers:Ec2", request.id)
        region = host.location
        tags = {"fleet": request.fleet, "host": request.id, "Name": f"{request.fleet}-{request.id}"}
        part = part_options(self)
        vpc = aws.ec2.Vpc(request.id, cidr_block=str(host.vpc_cidr), region=region, tags=tags, opts=part)
        gateway = aws.ec2.InternetGateway(request.id, vpc_id=vpc.id, region=region, tags=tags, opts=part)
        subnet = aws.ec2.Subnet(
            request.id,
            vpc_id=vpc.id,
            cidr_block=str(host.vpc_cidr),
            availability_zone=f"{region}a",
            region=region,
            tags=tags,
            opts=part,
        )
        routes = aws.ec2.RouteTable(
            request.id,
            vpc_id=vpc.id,
            routes=[aws.ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id)],
            region=region,
            tags=tags,
            opts=part,
        )
        routed = aws.ec2.RouteTableAssociation(
            request.id, subnet_id=subnet.id, route_table_id=routes.id, region=region, opts=part
        )
        group = aws.ec2.SecurityGroup(
            request.id,
            name=f"{request.fleet}-{request.id}",
            description=f"{request.tag} {request.id}",
            vpc_id=vpc.id,
            ingress=[_ingress(opening) for opening in request.openings],
            egress=[aws.ec2.SecurityGroupEgressArgs(protocol="-1", from_port=0, to_port=0, cidr_blocks=["0.0.0.0/0"])],
            region=region,
            tags=tags,
            opts=part,
        )
        key = aws.ec2.KeyPair(
            request.id,
            key_name=f"{request.fleet}-{request.id}",
            public_key=request.provider_key,
            region=region,
            tags=tags,
            opts=registered_key_options(self, "publicKey"),
        )
        self.instance = aws.ec2.Instance(
            request.id,
            ami=request.image,
            instance_type=host.plan,
            key_name=key.key_name,
            subnet_id=subnet.id,
            vpc_security_group_ids=[group.id],
            associate_public_ip_address=True,
            user_data=request.user_data,
            user_data_replace_on_change=False,
            instance_market_options=_spot() if host.spot else None,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required", http_put_response_hop_limit=1),
            region=region,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(
                machine_options(request, self, ["userData", "keyName", "ami"]),
                pulumi.ResourceOptions(depends_on=[routed]),
            ),
        )
        association = aws.ec2.EipAssociation(
            request.id,
            instance_id=self.instance.id,
            allocation_id=request.static.handle,
            region=region,
            opts=part_options(self, delete_before_replace=True, deleted_with=self.instance),
        )
        address = request.static.address
        reachable = association.id.apply(lambda _: address)
        self.server = Server(resource=self.instance, address=reachable, egress=pulumi.Output.from_input(address))
        self.register_outputs({})


def _ingress(opening: Opening) -> aws.ec2.SecurityGroupIngressArgs:
    icmp = opening.protocol == "icmp"
    return aws.ec2.SecurityGroupIngressArgs(
        description=opening.purpose,
        protocol=opening.protocol,
        # EC2 gives icmp's type and code in these two fields: 8 is echo request, -1 every code.
        from_port=8 if icmp else opening.first,
        to_port=-1 if icmp else opening.last,
        cidr_blocks=[str(source) for source in opening.sources],
    )


def _spot() -> aws.ec2.InstanceInstanceMarketOptionsArgs:
    return aws.ec2.InstanceInstanceMarketOptionsArgs(
        market_type="spot",
        spot_options=aws.ec2.InstanceInstanceMarketOptionsSpotOptionsArgs(
            spot_instance_type="persistent", instance_interruption_behavior="stop"
        ),
    )
