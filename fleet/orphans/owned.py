"""What a provider lists as ours, and the mark by which it is known to be ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.servers.server import fleet_tag

HOST_TAG = "host:"
"""Head of the tag that names a server's host, at providers whose tags are plain words."""


@dataclass(frozen=True)
class Mark:
    """How resources of one fleet are told from others in the same account."""

    fleet: str
    hosts: frozenset[str]
    """Ids of every host in the configuration, opened or not."""

    @property
    def tag(self) -> str:
        """The tag, and the head of every label, that the fleet's resources carry."""
        return fleet_tag(self.fleet)

    def host_of_tags(self, tags: Iterable[str]) -> str | None:
        """The host that a server's tags name."""
        return next((tag.removeprefix(HOST_TAG) for tag in tags if tag.startswith(HOST_TAG)), None)

    def host_of_label(self, label: str) -> str | None:
        """The host that a label such as ``fleet:prod nj`` names; None: the label is not this fleet's."""
        head, _, host = label.partition(" ")
        return host if head == self.tag else None

    def host_of_name(self, name: str, ending: str) -> str | None:
        """The host in a name such as ``prod-nj-address``; None: the name is not made this way."""
        head = f"{self.fleet}-"
        if not name.startswith(head) or not name.endswith(ending):
            return None
        return name.removeprefix(head).removesuffix(ending) or None


@dataclass(frozen=True)
class Owned:
    """One server or static address as its provider lists it."""

    provider: str
    service: str
    """The catalogue's name of what it is rented under: vultr, digitalocean, lightsail, ec2."""
    type: str
    """The engine's token for it: what an import needs."""
    id: str
    """The provider's own id, as the engine keeps it."""
    host: str | None
    """The host of the fleet that it says to be; None where the provider has no tags to say so."""
    name: str
    address: str
    location: str
    plan: str = ""
    """Empty for a static address."""
    created: str = ""
    """RFC 3339; empty where the provider does not tell."""
    certain: bool = True
    """False: nothing proves that it is this fleet's; somebody may use it for something else."""

    @property
    def what(self) -> str:
        return "server" if self.plan else "address"
