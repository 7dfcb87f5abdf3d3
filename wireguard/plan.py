"""The plan of the mesh: which node talks to which, where, under which keys.

Every node is a peer of every other one from day one. A peer that does not exist yet, or sits behind NAT, has no
endpoint: it calls first, and WireGuard learns its address from that. So opening a region changes no other node.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

DEFAULT_PORT = 51820
"""WireGuard's customary UDP port."""

DEFAULT_KEEPALIVE_SECONDS = 25
"""Keepalive of every link: below the shortest UDP timeout of common NATs (30 s), and it makes the age of a handshake
tell whether a link is alive even where nothing else is sent."""

LARGEST_MTU = 1420
"""MTU of the tunnel on an Ethernet path (1500 bytes), and the most we use."""

SMALLEST_MTU = 1280
"""The least we use: IPv6's minimum, which every path must carry."""

OVERHEAD_BYTES = 80
"""What WireGuard adds to a packet over IPv6: 40 (IPv6) + 8 (UDP) + 32 (WireGuard); over IPv4 it is 60."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class MeshError(Exception):
    """The mesh cannot be as asked for. ``problems`` holds every reason, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        """From all problems that were found."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Node:
    """A host in the mesh."""

    name: str
    """The host's id in the fleet, for example ``nj``."""
    address: IPv4Address
    """Its address inside the mesh."""
    endpoint: str | None = None
    """Where its peers reach it, ``address:port``; None while its address is not known."""
    behind_nat: bool = False
    """Its peers cannot call it: it has no endpoint, whatever ``endpoint`` says."""
    epoch: str = "1"
    """The generation of its private key."""


@dataclass(frozen=True)
class Peer:
    """How one node sees another one."""

    name: str
    endpoint: str | None
    allowed_ips: tuple[str, ...]
    """The addresses that it may send from and is sent to: its /32 alone."""
    keepalive: int
    """Seconds."""


@dataclass(frozen=True)
class MeshPlan:
    """The whole mesh, sorted by name. Made by ``plan``, which has checked it."""

    nodes: tuple[Node, ...]
    cidr: IPv4Network
    port: int
    mtu: int
    keepalive: int
    psk_epoch: str

    def node(self, name: str) -> Node:
        """The node of that name.

        Raises:
            MeshError: there is none.
        """
        if name not in self._by_name:
            raise MeshError([f"no node {name!r} in the mesh; there are {', '.join(self._by_name)}"])
        return self._by_name[name]

    def peers(self, name: str) -> tuple[Peer, ...]:
        """Every other node as the named one sees it, sorted by name.

        Raises:
            MeshError: there is no node of that name.
        """
        own = self.node(name)
        return tuple(self._as_peer(other) for other in self.nodes if other is not own)

    def routes(self, name: str) -> tuple[str, ...]:
        """The addresses that the named node reaches through the mesh, sorted by peer: a /32 for each peer.

        Raises:
            MeshError: there is no node of that name.
        """
        return tuple(route for peer in self.peers(name) for route in peer.allowed_ips)

    def _as_peer(self, node: Node) -> Peer:
        return Peer(node.name, endpoint_of(node), (f"{node.address}/32",), self.keepalive)

    @cached_property
    def _by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}


def plan(
    nodes: Iterable[Node],
    *,
    cidr: IPv4Network,
    port: int = DEFAULT_PORT,
    mtu: int = LARGEST_MTU,
    keepalive: int = DEFAULT_KEEPALIVE_SECONDS,
    psk_epoch: str = "1",
) -> MeshPlan:
    """The mesh of these nodes.

    Args:
        nodes: in any order.
        cidr: the network that all mesh addresses are in.
        port: UDP port that every node listens on.
        mtu: of the tunnel, bytes; see ``mtu_for_paths``.
        keepalive: seconds.
        psk_epoch: generation of the pre-shared keys.

    Raises:
        MeshError: with every problem: names or addresses used twice, more than one node behind NAT, an address that is
            not canonical or not of the network, an endpoint that is not ``address:port``, numbers out of range.
    """
    ordered = tuple(sorted(nodes, key=lambda node: node.name))
    problems = [
        *_name_problems(ordered),
        *_address_problems(ordered, cidr),
        *_endpoint_problems(ordered, cidr),
        *_nat_problems(ordered),
        *_range_problems(port, mtu, keepalive),
    ]
    if problems:
        raise MeshError(problems)
    return MeshPlan(ordered, cidr, port, mtu, keepalive, psk_epoch)


def endpoint_of(node: Node) -> str | None:
    """Where peers call a node; None where they have to wait for its call."""
    return None if node.behind_nat else node.endpoint


def mtu_for_path(path_mtu: int) -> int:
    """MTU of a tunnel over a path, both in bytes: 80 less, at least 1280, at most 1420."""
    return max(SMALLEST_MTU, min(LARGEST_MTU, path_mtu - OVERHEAD_BYTES))


def mtu_for_paths(path_mtus: Iterable[int]) -> int:
    """MTU of a mesh: that of its narrowest path; 1420 where no path is known."""
    return mtu_for_path(min(path_mtus, default=LARGEST_MTU + OVERHEAD_BYTES))


def _name_problems(nodes: Sequence[Node]) -> list[str]:
    malformed = [
        f"{node.name!r}: not a name of a node; letters a-z, digits and '-' inside are allowed"
        for node in nodes
        if not _NAME.fullmatch(node.name)
    ]
    return malformed + _taken_twice(nodes, lambda node: node.name, "name")


def _address_problems(nodes: Sequence[Node], cidr: IPv4Network) -> list[str]:
    problems = []
    for node in nodes:
        # An IPv4Interface is an IPv4Address to Python, but with its prefix WireGuard would hand this peer a whole
        # network, and silently take it away from whoever had it.
        if isinstance(node.address, IPv4Interface) or not isinstance(node.address, IPv4Address):
            problems.append(f"{node.name}: address {node.address} is not a single IPv4 address; drop its prefix length")
        elif node.address not in cidr:
            problems.append(f"{node.name}: address {node.address} is outside the mesh network {cidr}")
        elif cidr.prefixlen < 31 and node.address in (cidr.network_address, cidr.broadcast_address):
            problems.append(f"{node.name}: address {node.address} is the first or last of {cidr}; hosts lie between")
    return problems + _taken_twice(nodes, lambda node: str(node.address).partition("/")[0], "address")


def _endpoint_problems(nodes: Sequence[Node], cidr: IPv4Network) -> list[str]:
    problems = []
    for node in nodes:
        if node.endpoint is None:
            continue
        address, _, port = node.endpoint.rpartition(":")
        try:
            parsed = ipaddress.IPv4Address(address)
        except ValueError:
            parsed = None
        if parsed is None or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            problems.append(f"{node.name}: endpoint {node.endpoint!r} is not 'IPv4 address:port'")
        elif parsed in cidr:
            problems.append(f"{node.name}: endpoint {node.endpoint} lies inside the mesh network {cidr}")
    known = [node for node in nodes if endpoint_of(node) is not None]
    return problems + _taken_twice(known, lambda node: str(node.endpoint), "endpoint")


def _nat_problems(nodes: Sequence[Node]) -> list[str]:
    hidden = [node.name for node in nodes if node.behind_nat]
    if len(hidden) < 2:
        return []
    return [f"{', '.join(hidden)}: all behind NAT, so neither can call the other; at most one node may be"]


def _range_problems(port: int, mtu: int, keepalive: int) -> list[str]:
    problems = []
    if not 1 <= port <= 65535:
        problems.append(f"port {port} is not in 1..65535")
    if not SMALLEST_MTU <= mtu <= LARGEST_MTU:
        problems.append(f"mtu {mtu} is not in {SMALLEST_MTU}..{LARGEST_MTU}")
    if not 1 <= keepalive <= 65535:
        problems.append(f"keepalive {keepalive} is not in 1..65535 seconds")
    return problems


def _taken_twice(nodes: Sequence[Node], key: Callable[[Node], str], what: str) -> list[str]:
    holders: dict[str, list[str]] = {}
    for node in nodes:
        holders.setdefault(key(node), []).append(node.name)
    return [
        f"{what} {value} is used by {len(names)} nodes: {', '.join(names)}"
        for value, names in holders.items()
        if len(names) > 1
    ]
