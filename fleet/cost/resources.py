"""Which resources of the engine cost what: a provider's type and its inputs, as a thing that costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fleet.cost.things import DnsZone, HealthCheck, Priced, Server, StaticAddress, Unpriceable

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is not known before ``up`` (its SDKs' constant)."""

SECRET = "[secret]"  # noqa: S105 - what the engine writes in place of one

CLOUD_REGION = "aws:region"
"""The key of a stack's config that says where AWS's resources are which do not say it themselves."""

FREE = frozenset(
    {
        "vultr:index/sSHKey:SSHKey",
        "vultr:index/firewallGroup:FirewallGroup",
        "vultr:index/firewallRule:FirewallRule",
        "digitalocean:index/sshKey:SshKey",
        "digitalocean:index/firewall:Firewall",
        "digitalocean:index/tag:Tag",
        "digitalocean:index/reservedIpAssignment:ReservedIpAssignment",
        "aws:lightsail/keyPair:KeyPair",
        "aws:lightsail/instancePublicPorts:InstancePublicPorts",
        "aws:lightsail/staticIpAttachment:StaticIpAttachment",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/keyPair:KeyPair",
        "aws:ec2/eipAssociation:EipAssociation",
        # Its queries cost: the usage file says how many.
        "aws:route53/record:Record",
    }
)
"""Types that their providers do not bill."""

FREE_PREFIXES = ("pulumi:", "pulumi-python:dynamic/infra:")
"""The engine's own, and this project's dynamic resources (``infra``): what they do, they do on hosts."""


@dataclass(frozen=True)
class Where:
    """What a resource is called, and for whom it is."""

    id: str
    stack: str
    region: str
    """The fleet's region."""
    cloud_region: str = ""
    """The region of the cloud that holds for resources that name none (``CLOUD_REGION``)."""


def where_of(name: str, stack: str, regions: Mapping[str, str], config: Mapping[str, Any]) -> Where:
    """What a resource of a stack is for.

    Args:
        regions: of the fleet, by the ids of their hosts.
        config: the stack's, as the engine has it.
    """
    cloud_region = config.get(CLOUD_REGION)
    return Where(
        id=name,
        stack=stack,
        region=regions.get(name, stack if stack in regions.values() else ""),
        cloud_region=cloud_region if isinstance(cloud_region, str) else "",
    )


class _Unsaid(Exception):
    """An input that the price needs is not there to be read."""


def thing_of(where: Where, kind: str, inputs: Mapping[str, Any]) -> Priced | None:
    """What a resource costs money as; None for what costs nothing. A type that nobody knows is unpriceable."""
    if kind in FREE or kind.startswith(FREE_PREFIXES):
        return None
    known = _KINDS.get(kind)
    if known is None:
        return Unpriceable(
            where.id, where.stack, where.region, kind, "this type of resource is not in any price list here"
        )
    try:
        return known(where, inputs)
    except _Unsaid as unsaid:
        return Unpriceable(where.id, where.stack, where.region, kind, str(unsaid))


def _vultr_server(where: Where, inputs: Mapping[str, Any]) -> Priced:
    backups = inputs.get("backups") == "enabled"
    return _server(where, "vultr", _text(inputs, "region"), _text(inputs, "plan"), backups=backups)


def _droplet(where: Where, inputs: Mapping[str, Any]) -> Priced:
    backups = inputs.get("backups") is True
    return _server(where, "digitalocean", _text(inputs, "region"), _text(inputs, "size"), backups=backups)


def _lightsail_server(where: Where, inputs: Mapping[str, Any]) -> Priced:
    return _server(where, "lightsail", _aws_region(where, inputs), _text(inputs, "bundleId"))


def _ec2_server(where: Where, inputs: Mapping[str, Any]) -> Priced:
    market, disk = inputs.get("instanceMarketOptions"), inputs.get("rootBlockDevice")
    size = disk.get("volumeSize") if isinstance(disk, Mapping) else None
    if size in (UNKNOWN, SECRET):
        raise _Unsaid(f"the size of its root disk is {_WORDS[size]}")
    return Server(
        where.id,
        where.stack,
        where.region,
        "ec2",
        _aws_region(where, inputs),
        _text(inputs, "instanceType"),
        spot=isinstance(market, Mapping) and market.get("marketType") == "spot",
        disk_gb=int(size) if isinstance(size, (int, float)) else None,
    )


def _server(where: Where, service: str, location: str, plan: str, *, backups: bool = False) -> Server:
    return Server(where.id, where.stack, where.region, service, location, plan, backups=backups)


def _address(service: str) -> Callable[[Where, Mapping[str, Any]], Priced]:
    def made(where: Where, inputs: Mapping[str, Any]) -> Priced:
        location = _aws_region(where, inputs) if service in ("lightsail", "ec2") else _text(inputs, "region")
        return StaticAddress(where.id, where.stack, where.region, service, location)

    return made


def _zone(where: Where, inputs: Mapping[str, Any]) -> Priced:
    return DnsZone(where.id, where.stack, where.region)


def _health_check(where: Where, inputs: Mapping[str, Any]) -> Priced:
    """Whether its endpoint is at AWS no input says: taken as elsewhere, which costs more."""
    kind = _text(inputs, "type")
    if not kind.startswith(("HTTP", "TCP")):
        raise _Unsaid(f"the price of health checks of type {kind} is not known")
    options = sum(
        (
            kind.startswith("HTTPS"),
            kind.endswith("STR_MATCH"),
            inputs.get("requestInterval") == 10,
            inputs.get("measureLatency") is True,
        )
    )
    return HealthCheck(where.id, where.stack, where.region, at_aws=False, options=options)


_WORDS = {UNKNOWN: "not known before up", SECRET: "a secret"}


def _text(inputs: Mapping[str, Any], name: str) -> str:
    """An input that is there and can be read.

    Raises:
        _Unsaid: it cannot; says why.
    """
    value = inputs.get(name)
    if isinstance(value, str) and value in _WORDS:
        raise _Unsaid(f"its {name} is {_WORDS[value]}")
    if not isinstance(value, str) or not value:
        raise _Unsaid(f"its {name} is not said")
    return value


def _aws_region(where: Where, inputs: Mapping[str, Any]) -> str:
    """The input, what the zone says (its last letter is the zone's own), or what holds for the stack."""
    if "region" in inputs:
        return _text(inputs, "region")
    if "availabilityZone" in inputs:
        return _text(inputs, "availabilityZone")[:-1]
    if where.cloud_region:
        return where.cloud_region
    raise _Unsaid("its region is not said")


_KINDS: Mapping[str, Callable[[Where, Mapping[str, Any]], Priced]] = {
    "vultr:index/instance:Instance": _vultr_server,
    "vultr:index/reservedIp:ReservedIp": _address("vultr"),
    "digitalocean:index/droplet:Droplet": _droplet,
    "digitalocean:index/reservedIp:ReservedIp": _address("digitalocean"),
    "aws:lightsail/instance:Instance": _lightsail_server,
    "aws:lightsail/staticIp:StaticIp": _address("lightsail"),
    "aws:ec2/instance:Instance": _ec2_server,
    "aws:ec2/eip:Eip": _address("ec2"),
    "aws:route53/zone:Zone": _zone,
    "aws:route53/healthCheck:HealthCheck": _health_check,
}
