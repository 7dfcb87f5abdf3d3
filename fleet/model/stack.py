"""The choices of one stack: what a ``Pulumi.<stack>.yaml`` says under ``fleet:``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from pydantic import Field, StrictBool

from fleet.model.types import Address, Count, Frozen, HostKey, Index, Label, Money, Network, Port, PortName, UnixUser
from fleet.model.venue import VenueUse

MAIN = "main"
"""The host that every region has."""

ADDRESSES = "addresses"
"""The stack that owns every static address."""


def host_id(region: str, host: str) -> str:
    """A host's id in the fleet: ``nj`` for the main host of region nj, ``nj-<host>`` for any other."""
    return region if host == MAIN else f"{region}-{host}"


class PublicPort(Frozen):
    """A port that is open to every address."""

    port: Port
    protocol: Literal["tcp", "udp"] = Field(default="tcp", description="tcp or udp")


class AnyHost(Frozen):
    """What every host has, whoever rents it."""

    GIVEN: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Label
    index: Index
    """Its part of the mesh network within the region; main is 0."""
    generation: Count = 1
    """Raised to rebuild the server."""
    behind_nat: StrictBool = Field(default=False, description="true or false")
    """No peer can call it: it gets no endpoint and keeps the connections open itself."""
    public_ports: tuple[PublicPort, ...] = Field(default=(), description="a list of {port: 443, protocol: tcp}")


class RentedHost(AnyHost):
    """A server that this fleet rents at a provider."""

    location: str = Field(description="the provider's name of a location in the region's place")
    plan: str = Field(description="the provider's name of a size")
    image: str = Field(default="debian-13", description="an image that the provider offers")
    spot: StrictBool = Field(default=False, description="true or false")
    """Rented at the spot market: cheaper, and taken away at two minutes' notice."""

    @property
    def critical(self) -> bool:
        """Whether its loss at short notice is an incident; a spot server's is not."""
        return not self.spot


class VultrHost(RentedHost):
    """A server at Vultr."""

    provider: Literal["vultr"] = "vultr"


class DigitalOceanHost(RentedHost):
    """A droplet at DigitalOcean."""

    provider: Literal["digitalocean"] = "digitalocean"


class LightsailHost(RentedHost):
    """An instance at AWS Lightsail."""

    provider: Literal["aws"] = "aws"
    service: Literal["lightsail"] = "lightsail"


class Ec2Host(RentedHost):
    """An instance at AWS EC2, in a network of its own."""

    provider: Literal["aws"] = "aws"
    service: Literal["ec2"] = "ec2"
    vpc_cidr: Network = Field(description="an IPv4 network of /16../28 that nothing else in the fleet uses")


class ExistingHost(AnyHost):
    """A server that stands already; nobody here creates or deletes it."""

    provider: Literal["existing"] = "existing"
    address: Address
    ssh_user: UnixUser = "root"
    ssh_port: Port = 22
    host_key: HostKey
    monthly_price: Money
    """What it costs a month, in US dollars: no price list knows it."""
    plan: str = Field(default="", description="a note of the server's size, text")
    memory_gb: Count | None = None
    """Its memory, for the check that everything fits; None: not said, so not checked."""
    closed_ports: tuple[PortName, ...] = Field(default=(), description='a list of ports in use, such as ["8080/tcp"]')
    """Ports in use that the fleet's firewall may close to the outside; every other one in use must be public."""

    @property
    def critical(self) -> bool:
        return True


Host: TypeAlias = VultrHost | DigitalOceanHost | LightsailHost | Ec2Host | ExistingHost

PROVIDERS: Mapping[str, Mapping[str, type[Host]]] = {
    "vultr": {"": VultrHost},
    "digitalocean": {"": DigitalOceanHost},
    "aws": {"lightsail": LightsailHost, "ec2": Ec2Host},
    "existing": {"": ExistingHost},
}
"""Each provider's kinds of host by service; a provider without services has the empty one."""


def service_of(host: AnyHost) -> str:
    """The name under which the catalogue lists a host's plans: vultr, digitalocean, lightsail, ec2 or existing."""
    match host:
        case LightsailHost() | Ec2Host():
            return host.service
        case VultrHost() | DigitalOceanHost() | ExistingHost():
            return host.provider
    raise TypeError(f"{type(host).__name__} is no kind of host")


class RegionStack(Frozen):
    """The stack of one region."""

    name: Label
    hosts: Mapping[Label, Host] = Field(description="a mapping of hosts; one is named main")
    held: Mapping[str, str] = Field(default={}, description="a mapping of bundles to the digest of an earlier release")
    """Bundles of the main host that a roll-back holds at an earlier release, whatever the rendered one is."""
    bundles: tuple[str, ...] = Field(default=(), description="a list of bundles")
    """What its main host runs, in the order of ``fleet.model.bundles.BUNDLES``."""
    venues: tuple[VenueUse, ...] = ()
    """The brokers that it trades at or stands by for, and the sources of data that it reads."""

    def host_id(self, host: str) -> str:
        """The id of one of its hosts in the fleet."""
        return host_id(self.name, host)


class AddressesStack(Frozen):
    """The stack of the static addresses."""

    regions: tuple[str, ...] = Field(description="a list of regions of fleet.yaml")
    """Regions whose addresses are reserved: the ones that are open or about to be."""
