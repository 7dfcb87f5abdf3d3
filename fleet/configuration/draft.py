"""A configuration on its way: what could be read of each file, so that checks go on where one part is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from fleet.catalogue import Catalogue
from fleet.catalogue.venue_sites import VenueList
from fleet.model.document import Document, KeyPath
from fleet.model.fleet import Fleet, Mesh, Region
from fleet.model.stack import AddressesStack, AnyHost, Host, host_id
from fleet.model.venue import VenueUse

FLEET_FILE = "fleet.yaml"
HOSTS_KEY = "fleet:hosts"
HELD_KEY = "fleet:held"
VENUES_KEY = "fleet:venues"
BUNDLES_KEY = "fleet:bundles"
REGIONS_KEY = "fleet:regions"


def stack_file(stack: str) -> str:
    """The file of a stack's choices."""
    return f"Pulumi.{stack}.yaml"


@dataclass(frozen=True)
class FleetDraft:
    """What could be made of fleet.yaml."""

    document: Document
    fleet: Fleet | None
    """The whole, None while any part of it is malformed."""
    mesh: Mesh | None
    docker_pool: IPv4Network | None
    operators: tuple[IPv4Network, ...]
    regions: Mapping[str, Region]
    """The well-formed ones, and what is well-formed of the others."""
    names: tuple[str, ...]
    """Every region that is written there, well-formed or not."""
    says_regions: bool
    """Whether it has a mapping of regions at all."""


@dataclass(frozen=True)
class WrittenUse:
    """A region's use of a venue, and where it is written."""

    use: VenueUse
    path: KeyPath


@dataclass(frozen=True)
class StackDraft:
    """What could be made of one region's stack file."""

    name: str
    document: Document
    hosts: Mapping[str, Host]
    """The well-formed ones, and what is well-formed of the others. A location or plan that is not known is empty."""
    names: tuple[str, ...]
    """Every host that is written there."""
    says_hosts: bool
    """Whether it has a mapping of hosts at all."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Releases that a roll-back holds, by bundle."""
    venues: tuple[WrittenUse, ...] = ()
    """The well-formed ones."""
    bundles: tuple[str, ...] = ()
    """In the order in which they start."""


@dataclass(frozen=True)
class Draft:
    """All of it."""

    catalogue: Catalogue
    venues: VenueList
    fleet: FleetDraft | None
    stacks: Mapping[str, StackDraft]
    """By name; a stack whose file cannot be read is not in it."""
    files: frozenset[str]
    """The stacks that have a file, readable or not."""
    addresses: AddressesStack | None
    addresses_document: Document | None

    def hosts(self) -> Iterator[tuple[StackDraft, Host]]:
        """Every well-formed host with its stack."""
        for stack in self.stacks.values():
            for host in stack.hosts.values():
                yield stack, host

    def host_ids(self) -> tuple[str, ...]:
        """The id of every host that is written, well-formed or not."""
        return tuple(host_id(stack.name, name) for stack in self.stacks.values() for name in stack.names)


def host_path(host: AnyHost, *inside: str | int) -> tuple[str | int, ...]:
    """The key path of a host, or of something in it, in its stack file."""
    return ("config", HOSTS_KEY, host.name, *inside)
