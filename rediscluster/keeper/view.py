"""What an instance says of itself and of its cluster, in one round trip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .resp import Client, Refused, Reply

REPLICATION_USER = "repl"
"""The user as which replicas log in to their master."""

_COMMANDS = (
    ("CLUSTER", "NODES"),
    ("CLUSTER", "INFO"),
    ("INFO", "replication"),
    ("INFO", "memory"),
    ("DBSIZE",),
    ("ACL", "GETUSER", REPLICATION_USER),
)


@dataclass(frozen=True)
class Node:
    """A line of ``CLUSTER NODES``: how the instance that was asked sees a node."""

    id: str
    endpoint: str
    """``address:port``; empty while it is not known"""
    flags: frozenset[str]
    master: str
    """id of the master that it replicates; empty for a master"""
    connected: bool
    epoch: int
    ranges: tuple[tuple[int, int], ...] = ()
    importing: dict[int, str] = field(default_factory=dict)
    """slots that it is taking over, with the id of their owner"""
    migrating: dict[int, str] = field(default_factory=dict)
    """slots that it is giving away, with the id of who gets them"""

    @property
    def failing(self) -> bool:
        """Whether it is suspected or known to be away."""
        return bool(self.flags & {"fail", "fail?", "noaddr"})

    @property
    def slots(self) -> int:
        """How many slots it owns."""
        return sum(last - first + 1 for first, last in self.ranges)

    def owns(self, slot: int) -> bool:
        return any(first <= slot <= last for first, last in self.ranges)


@dataclass(frozen=True)
class View:
    """What one instance answers; with an ``error``, nothing else."""

    endpoint: str
    error: str = ""
    nodes: tuple[Node, ...] = ()
    state: str = ""
    """``ok`` or ``fail``: whether it serves"""
    keys: int = 0
    role: str = ""
    link: str = ""
    """of a replica to its master: ``up`` or ``down``"""
    offset: int = 0
    """how far its replication stream is, in bytes"""
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    replication_open: bool = False
    """whether replicas may log in"""

    @property
    def answers(self) -> bool:
        return not self.error

    @property
    def myself(self) -> Node:
        """Its own line.

        Raises:
            LookupError: it did not answer.
        """
        for node in self.nodes:
            if "myself" in node.flags:
                return node
        raise LookupError(f"{self.endpoint} did not answer")

    @property
    def id(self) -> str:
        return self.myself.id if self.answers else ""

    def node(self, node_id: str) -> Node | None:
        """The line of a node, if it knows it."""
        return next((node for node in self.nodes if node.id == node_id), None)

    def owner(self, slot: int) -> Node | None:
        """Who owns a slot, as this instance sees it."""
        return next((node for node in self.nodes if node.owns(slot)), None)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON values."""
        document = asdict(self)
        for node in document["nodes"]:
            node["flags"] = sorted(node["flags"])
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> View:
        """The view that ``to_document`` described."""
        nodes = tuple(
            Node(
                **{
                    **node,
                    "flags": frozenset(node["flags"]),
                    "ranges": tuple((first, last) for first, last in node["ranges"]),
                    "importing": {int(slot): other for slot, other in node["importing"].items()},
                    "migrating": {int(slot): other for slot, other in node["migrating"].items()},
                }
            )
            for node in document["nodes"]
        )
        return cls(**{**document, "nodes": nodes})


def look(client: Client) -> View:
    """Ask one instance. That it does not answer is an answer."""
    try:
        replies = client.pipeline(_COMMANDS)
    except (OSError, Refused) as problem:
        return View(client.endpoint, error=_reason(problem))
    refused = [reply for reply in replies if isinstance(reply, Refused)]
    if refused:
        return View(client.endpoint, error=str(refused[0]))
    table, cluster, replication, memory, keys, user = replies
    links, sizes = _fields(replication), _fields(memory)
    return View(
        endpoint=client.endpoint,
        nodes=parse_nodes(str(table)),
        state=_fields(cluster).get("cluster_state", ""),
        keys=keys if isinstance(keys, int) else 0,
        role=links.get("role", ""),
        link=links.get("master_link_status", ""),
        offset=int(links.get("slave_repl_offset") or links.get("master_repl_offset") or 0),
        memory_bytes=int(sizes.get("used_memory", 0)),
        memory_limit_bytes=int(sizes.get("maxmemory", 0)),
        replication_open=_flag_of(user, "on"),
    )


def parse_nodes(text: str) -> tuple[Node, ...]:
    """The lines of ``CLUSTER NODES`` (Redis 7 and 8)."""
    return tuple(_node(line.split(" ")) for line in text.splitlines() if line.strip())


def _node(words: list[str]) -> Node:
    node_id, address, flags, master, _ping, _pong, epoch, link, *slots = words
    endpoint = address.partition(",")[0].partition("@")[0]
    return Node(
        id=node_id,
        # A node whose address is lost stands as ":0", one that was never bound as ":7001".
        endpoint="" if endpoint.startswith(":") else endpoint,
        flags=frozenset(flags.split(",")),
        master="" if master == "-" else master,
        connected=link == "connected",
        epoch=int(epoch),
        ranges=tuple(_range(word) for word in slots if not word.startswith("[")),
        importing=dict(_moving(slots, "-<-")),
        migrating=dict(_moving(slots, "->-")),
    )


def _range(word: str) -> tuple[int, int]:
    first, _, last = word.partition("-")
    return int(first), int(last or first)


def _moving(words: Iterable[str], arrow: str) -> Iterable[tuple[int, str]]:
    for word in words:
        if word.startswith("[") and arrow in word:
            slot, _, other = word.strip("[]").partition(arrow)
            yield int(slot), other


def _fields(reply: Reply) -> dict[str, str]:
    lines = (line.partition(":") for line in str(reply).splitlines() if ":" in line)
    return {name: value.strip() for name, _, value in lines}


def _flag_of(user: Reply, flag: str) -> bool:
    if not isinstance(user, list):
        return False
    described = dict(zip(map(str, user[::2]), user[1::2], strict=False))
    flags = described.get("flags")
    return isinstance(flags, list) and flag in flags


def _reason(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem)
