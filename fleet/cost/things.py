"""Things that cost money, whoever sells them. A configuration and a preview of the engine are both read into these."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True)
class Thing:
    """What all of them have."""

    id: str
    """The host's id in the fleet, or the resource's name; with ``stack`` and the kind it names a row."""
    stack: str
    """The stack that declares it."""
    region: str
    """The region that it is for; empty for what belongs to the fleet as a whole."""


@dataclass(frozen=True)
class Server(Thing):
    """A rented server."""

    service: str
    location: str
    plan: str
    spot: bool = False
    backups: bool = False
    disk_gb: int | None = None
    """Root disk, for services that rent it apart; None: what the image asks for."""


@dataclass(frozen=True)
class StandingServer(Thing):
    """A server that stands already: its price is what its stack file says."""

    plan: str
    monthly_usd: Decimal


@dataclass(frozen=True)
class StaticAddress(Thing):
    """A reserved address with a server behind it."""

    service: str
    location: str


@dataclass(frozen=True)
class DnsZone(Thing):
    """A hosted zone of Route 53."""


@dataclass(frozen=True)
class HealthCheck(Thing):
    """A health check of Route 53."""

    at_aws: bool
    """Whether its endpoint is in the same AWS account."""
    options: int
    """How many it has of: HTTPS, string match, 10 s interval, latency graph."""


@dataclass(frozen=True)
class Unpriceable(Thing):
    """Something whose price cannot be known; it is shown and counted, never taken for free."""

    what: str
    reason: str


Priced: TypeAlias = Server | StandingServer | StaticAddress | DnsZone | HealthCheck | Unpriceable
