"""Verdict on a running mesh: what each node's interface says, and how its pings went, as one matrix.

Exit code 0 of ``wg`` proves nothing: a peer can have lost its addresses to another one without an error. So the
addresses of each peer are compared with the plan here, too.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from wireguard.plan import MeshError, MeshPlan

STALE_AFTER_SECONDS = 180
"""Age of a handshake beyond which a link is down: REJECT_AFTER_TIME of WireGuard's protocol. A link that lives makes a
new one every 120 s (REKEY_AFTER_TIME), and with a keepalive of 25 s there is always something to send."""


@dataclass(frozen=True)
class PeerDump:
    """One peer as ``wg show <interface> dump`` tells it; its keys are left out but the public one."""

    public_key: str
    endpoint: str | None
    allowed_ips: tuple[str, ...]
    latest_handshake: int
    """Seconds since 1970 by the node's clock; 0: never."""
    received: int
    sent: int
    keepalive: int
    """Seconds; 0: off."""


@dataclass(frozen=True)
class InterfaceDump:
    """One interface as ``wg show <interface> dump`` tells it."""

    public_key: str
    port: int
    peers: tuple[PeerDump, ...]


@dataclass(frozen=True)
class Ping:
    """Result of one ``ping``."""

    sent: int
    received: int
    times: tuple[float, ...]
    """Round-trip times, milliseconds, in order of arrival."""

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return self.sent - self.received


@dataclass(frozen=True)
class NodeReport:
    """What one node reports about the mesh."""

    dump: InterfaceDump
    now: int
    """Its clock when it reported, seconds since 1970: the ages of its handshakes are by the same clock."""
    pings: Mapping[str, Ping]
    """By peer."""


class LinkState(Enum):
    """Verdict on one direction of one link."""

    OK = "ok"
    STALE = "stale"
    """The last handshake is older than a session may live."""
    WAITING = "waiting"
    """Configured, and no handshake ever: the peer has not called, or does not exist yet."""
    MISSING = "missing"
    """The node did not report, or its interface lacks the peer or the peer's address."""


@dataclass(frozen=True)
class Link:
    """One direction of one link: how ``node`` sees ``peer``."""

    node: str
    peer: str
    state: LinkState
    reason: str
    """One line for people; empty if the link is fine."""
    handshake_age: int | None
    """Seconds; None: no handshake."""
    rtt_median: float | None
    """Milliseconds; None: no ping, or none answered."""
    rtt_max: float | None
    """Milliseconds."""
    lost: int
    """Pings without an answer."""


@dataclass(frozen=True)
class MeshMatrix:
    """Every link of the mesh in both directions, in order of names."""

    links: tuple[Link, ...]

    def __iter__(self) -> Iterator[Link]:
        return iter(self.links)

    def link(self, node: str, peer: str) -> Link:
        """How one node sees another one.

        Raises:
            MeshError: there is no such pair.
        """
        for link in self.links:
            if (link.node, link.peer) == (node, peer):
                return link
        raise MeshError([f"no link from {node!r} to {peer!r} in the mesh"])

    def broken(self, among: Iterable[str]) -> tuple[Link, ...]:
        """The links between these nodes that are not fine, or that lost a ping. Empty: the mesh stands."""
        names = frozenset(among)
        return tuple(
            link
            for link in self.links
            if {link.node, link.peer} <= names and (link.state is not LinkState.OK or link.lost)
        )


def judge(mesh: MeshPlan, public_keys: Mapping[str, str], reports: Mapping[str, NodeReport]) -> MeshMatrix:
    """Compare what the nodes report with the plan.

    Args:
        mesh: what is meant.
        public_keys: of each node in the plan, on the interface that was dumped.
        reports: of the nodes that answered.
    """
    return MeshMatrix(
        tuple(
            _judge_link(mesh, node.name, peer.name, public_keys[peer.name], reports.get(node.name))
            for node in mesh.nodes
            for peer in mesh.nodes
            if peer is not node
        )
    )


def parse_dump(text: str) -> InterfaceDump:
    """Read the output of ``wg show <interface> dump``. Private and pre-shared keys in it are dropped.

    Raises:
        MeshError: it is not such an output; the message quotes nothing of it, because it holds keys.
    """
    rows = [line.split("\t") for line in text.splitlines() if line]
    if not rows or len(rows[0]) != 4 or any(len(row) != 8 for row in rows[1:]):
        raise MeshError(["not an output of 'wg show <interface> dump': fields are missing"])
    try:
        return InterfaceDump(rows[0][1], int(rows[0][2]), tuple(_parse_peer(row) for row in rows[1:]))
    except ValueError:
        raise MeshError(["not an output of 'wg show <interface> dump': a number was expected"]) from None


def parse_ping(text: str) -> Ping:
    """Read the output of iputils' ``ping``. One that was interrupted counts as far as its summary goes.

    Raises:
        MeshError: it has no summary line.
    """
    summary = re.search(r"^(\d+) packets transmitted, (\d+) received", text, re.MULTILINE)
    if summary is None:
        raise MeshError(["not an output of 'ping': no line '... packets transmitted, ... received'"])
    # A duplicate is an answer that came twice; it is neither a second answer nor a loss.
    lines = [line for line in text.splitlines() if "(DUP!)" not in line]
    times = tuple(float(found.group(1)) for line in lines if (found := re.search(r"time=([\d.]+) ms", line)))
    return Ping(int(summary.group(1)), int(summary.group(2)), times)


def _parse_peer(row: list[str]) -> PeerDump:
    public_key, _preshared_key, endpoint, allowed, handshake, received, sent, keepalive = row
    return PeerDump(
        public_key=public_key,
        endpoint=None if endpoint == "(none)" else endpoint,
        allowed_ips=() if allowed == "(none)" else tuple(allowed.split(",")),
        latest_handshake=int(handshake),
        received=int(received),
        sent=int(sent),
        keepalive=0 if keepalive == "off" else int(keepalive),
    )


def _judge_link(mesh: MeshPlan, node: str, peer: str, public_key: str, report: NodeReport | None) -> Link:
    if report is None:
        return Link(node, peer, LinkState.MISSING, f"{node} did not report", None, None, None, 0)
    ping = report.pings.get(peer, Ping(0, 0, ()))
    dump = next((dump for dump in report.dump.peers if dump.public_key == public_key), None)
    age = max(0, report.now - dump.latest_handshake) if dump and dump.latest_handshake else None
    state, reason = _verdict(node, peer, dump, age, f"{mesh.node(peer).address}/32")
    return Link(
        node=node,
        peer=peer,
        state=state,
        reason=reason,
        handshake_age=age,
        rtt_median=statistics.median(ping.times) if ping.times else None,
        rtt_max=max(ping.times, default=None),
        lost=ping.lost,
    )


def _verdict(node: str, peer: str, dump: PeerDump | None, age: int | None, wanted: str) -> tuple[LinkState, str]:
    if dump is None:
        return LinkState.MISSING, f"{node} does not know {peer} by its key of this epoch"
    if dump.allowed_ips != (wanted,):
        held = ", ".join(dump.allowed_ips) or "none"
        return LinkState.MISSING, f"{node} allows {peer} the addresses {held} instead of {wanted}"
    if age is None:
        return LinkState.WAITING, f"{node} has had no handshake with {peer} yet"
    if age > STALE_AFTER_SECONDS:
        return LinkState.STALE, f"the last handshake is {age} s old; more than {STALE_AFTER_SECONDS} s means down"
    return LinkState.OK, ""
