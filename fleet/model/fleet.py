"""The facts of the whole fleet: what ``fleet.yaml`` says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictInt

from fleet.model.backup import Backup
from fleet.model.enterprise import Enterprise
from fleet.model.types import Count, Domain, Frozen, Index, Label, LoginKey, Money, Network, OwnUser

FORMAT_VERSION = 1
"""Format of fleet.yaml and of the stack files that this package reads and writes."""


class Operators(Frozen):
    """Who runs the fleet: from where ssh is open, and whose keys may log in."""

    addresses: tuple[Network, ...] = Field(default=(), description="a list of IPv4 networks, such as [198.51.100.7/32]")
    keys: Mapping[Label, LoginKey] = Field(
        default={}, description="a mapping of a person's name to an OpenSSH public key"
    )


class Epoch(Frozen):
    """The generation of the mesh's keys. Raised by ``fleet mesh rotate``, never by hand during a rotation."""

    keys: Count = 1
    """Of every node's key pair."""
    psk: Count = 1
    """Of the preshared keys."""
    nodes: Mapping[str, Count] = Field(default={}, description="a mapping of host ids to a whole number from 1")
    """Of single nodes' key pairs, where one was rotated on its own."""

    def of(self, node: str) -> str:
        """The epoch of one node's keys: ``1``, or ``1.2`` where the node has its own."""
        own = self.nodes.get(node)
        return str(self.keys) if own is None else f"{self.keys}.{own}"

    @property
    def parity(self) -> int:
        """0 or 1; every rotation of keys changes it, so old and new interface can stand side by side."""
        return (self.keys + sum(self.nodes.values()) + 1) % 2

    def interface(self) -> str:
        """The WireGuard interface of this epoch: ``wg0`` or ``wg1``."""
        return f"wg{self.parity}"

    def port(self, base: int) -> int:
        """The UDP port of this epoch: ``base`` or ``base + 1``. Firewalls keep both open."""
        return base + self.parity


class Mesh(Frozen):
    """The WireGuard network between all hosts."""

    cidr: Network
    port: Annotated[StrictInt, Field(ge=1, le=65534)] = Field(
        default=51820, description="a whole number 1..65534; the port after it is used during a rotation"
    )
    mtu: Annotated[StrictInt, Field(ge=1280, le=1440)] = Field(
        default=1420, description="bytes, 1280..1440 (1440 is 1500 less WireGuard's 60 over IPv4)"
    )
    keepalive: Annotated[StrictInt, Field(ge=1, le=120)] = Field(
        default=25, description="seconds, 1..120 (translators forget a UDP flow after 30 s or more)"
    )
    epoch: Epoch = Epoch()


class Region(Frozen):
    """One place of the fleet."""

    GIVEN: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Label
    place: str = Field(description="a place of the catalogue (fleet/catalogue/places.yaml)")
    index: Index
    """Its part of the mesh network. Never reused for another region while hosts know it."""
    phase: Index
    """Regions of one phase change together in a roll-out; the hub is phase 0."""


class Budgets(Frozen):
    """What may be spent a month, in US dollars; None is no limit."""

    monthly_usd: Money | None = Field(default=None, description='an amount in US dollars in quotes, such as "335.00"')
    regions: Mapping[str, Money] = Field(
        default={}, description="a mapping of regions to an amount in US dollars in quotes"
    )
    phases: Mapping[str, Money] = Field(
        default={},
        description='a mapping of phases in quotes to an amount in US dollars in quotes, such as {"1": "60"}',
    )
    """Of all regions of a phase together."""


class Questdb(Frozen):
    """Which QuestDB the fleet has."""

    edition: Literal["oss", "enterprise"] = Field(default="oss", description="oss or enterprise")
    """``oss`` replicates by the fleet's own shipper, ``enterprise`` by itself."""
    enterprise: Enterprise | None = Field(
        default=None, description="a mapping of primary, object_store and start, or nothing"
    )
    """Of the edition ``enterprise`` alone."""
    backup: Backup | None = Field(default=None, description="a mapping of to, every and keep, or nothing")
    """Copies off the hub; None: only those that somebody makes and takes off by hand."""


class Redis(Frozen):
    """The Redis cluster over the regions."""

    profile: Literal["ha", "spec"] = Field(default="ha", description="ha or spec")
    """``ha``: each master has a replica in another region. ``spec``: three masters without one."""
    members: tuple[str, ...] = Field(default=(), description="a list of regions; with fewer than three, no cluster")
    leaving: tuple[str, ...] = Field(default=(), description="a list of regions that fleet redis reshape empties")


class Credentials(Frozen):
    """Where the venues' credentials come from."""

    source: Literal["file", "environment", "pulumi", "command"] = Field(
        default="file",
        description="file (the fleet's encrypted one), environment, pulumi (the stacks' files) or command",
    )
    command: tuple[str, ...] = Field(
        default=(), description="a list of a program and its arguments, {name} in one of them"
    )
    """Of the source ``command``: prints the secret ``{name}`` on its standard output."""


class Services(Frozen):
    """What holds for all of the platform's own services."""

    health: tuple[str, ...] = Field(default=(), description="a list of a program and its arguments, {port} in one")
    """The health check inside a container; empty: one that needs no more than a shell and one of bash, wget, curl or
    python3."""
    hub_unreachable: Literal["refuse", "spool"] = Field(default="refuse", description="refuse or spool")
    """What a service does with rows for the primary while the hub is not reached."""


class Fleet(Frozen):
    """The whole of ``fleet.yaml``."""

    format_version: Annotated[StrictInt, Field(ge=1, description=f"a whole number 1..{FORMAT_VERSION}")]
    name: Label
    domain: Domain
    hub: str = Field(description="a region of this file")
    operators: Operators = Operators()
    deploy_user: OwnUser = "deploy"
    mesh: Mesh
    docker_pool: Network
    """Where Docker on every host takes its networks from."""
    regions: Mapping[Label, Region] = Field(description="a mapping of regions, each with place, index and phase")
    budgets: Budgets = Budgets()
    questdb: Questdb = Questdb()
    redis: Redis = Redis()
    credentials: Credentials = Credentials()
    services: Services = Services()

    def budget_of(self, region: str) -> Decimal | None:
        """A region's own monthly limit in US dollars, None without one."""
        return self.budgets.regions.get(region)
