"""What a cloud knows of a server it is asked for: the values between the clouds and the machines below them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ProviderName = Literal["vultr", "digitalocean", "aws", "existing"]

AddressKind = Literal["direct", "anchor", "nat"]
"""How a provider gives a server its static address.

``direct``: the server's own interface has it. ``anchor``: it is translated to the server's anchor address, which its
interface has as a second one. ``nat``: it is translated to the server's private address, the only one it knows.
"""

ANYWHERE = ("0.0.0.0/0",)


@dataclass(frozen=True)
class ServerSpec:
    """A server as a provider's create call describes it.

    ``id`` is the provider's own id. ``address`` is a main address reserved before (None: the next free one).
    ``memory_mb`` is the plan's size in MiB.
    """

    id: str
    provider: str
    name: str
    user_data: str
    address_kind: AddressKind
    address: str | None = None
    authorized_keys: tuple[str, ...] = ()
    memory_mb: int = 1024
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerAddresses:
    """What a server got: the address it is reached at, a private one (AWS), an anchor address (DigitalOcean)."""

    main_ip: str
    private_ip: str | None = None
    anchor_ip: str | None = None


@dataclass(frozen=True)
class Rule:
    """Inbound traffic that a provider's firewall lets through.

    ``protocol`` is tcp, udp, icmp or ``all``; ``ports`` is ``22``, ``1-65535``, or empty where there are none;
    ``sources`` are IPv4 networks.
    """

    protocol: str
    ports: str
    sources: tuple[str, ...]


OPEN = (Rule("all", "", ANYWHERE),)
"""A server without any firewall group."""
