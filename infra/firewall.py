"""What the provider's firewall lets through to a host: the coarse outer layer.

The precise layer is nftables on the host (``templates/host/fleet.nft.j2``). This one exists so that a host whose own
table is missing or broken still answers on nothing but these ports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from fleet.model.fleet import Fleet
from fleet.model.stack import ExistingHost, Host

ANYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Opening:
    """Ports ``first``..``last`` of ``protocol`` (tcp, udp or icmp; icmp has 0..0) reachable from ``sources``."""

    purpose: str
    protocol: str
    first: int
    last: int
    sources: tuple[IPv4Network, ...]

    @property
    def ports(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def openings(fleet: Fleet, host: Host) -> tuple[Opening, ...]:
    """The declared openings of one host, in a stable order.

    The mesh ports (the current epoch's and the next one's) are open to every address: WireGuard does not answer
    who cannot prove a key, and a list of the fleet's addresses would make opening one region change every other
    region's firewall (docs/decisions.md).
    """
    mesh = Opening("mesh", "udp", fleet.mesh.port, fleet.mesh.port + 1, (ANYWHERE,))
    ping = Opening("ping", "icmp", 0, 0, (ANYWHERE,))
    ssh = Opening("ssh", "tcp", 22, 22, tuple(sorted(fleet.operators.addresses)))
    public = (Opening("public", p.protocol, p.port, p.port, (ANYWHERE,)) for p in host.public_ports)
    return tuple(_with_sources((ssh, mesh, ping, *public)))


def public_tcp_ports(fleet: Fleet, host: Host) -> frozenset[int]:
    """TCP ports of a host's public address that may answer to a stranger."""
    opened = (opening for opening in openings(fleet, host) if ANYWHERE in opening.sources and opening.protocol == "tcp")
    # Where somebody else's server is visited, its login stays as it was: there is no provider's firewall of ours.
    own = {host.ssh_port} if isinstance(host, ExistingHost) else set()
    return frozenset(port for opening in opened for port in range(opening.first, opening.last + 1)) | own


def _with_sources(candidates: Iterable[Opening]) -> Iterable[Opening]:
    """An opening to nobody is no opening (ssh before any operator's address is known)."""
    return (opening for opening in candidates if opening.sources)
