"""What to do next for this host's instances: a pure function of what all of them say.

Nothing here needs to know what was done before, so a keeper may be stopped and started at any moment, and two of them
never wait for each other: each one's steps follow from the same laws.

The laws that keep data:
- Slots are given out only while no slot of the plan is anybody else's, every planned instance answers and knows every
  other one, and nobody else is in the cluster. Each keeper gives its own instance its own slots: two halves of a
  divided network cannot give the same slot twice.
- An instance without slots replicates its shard's other instance when that one has the shard; it takes nothing back.
  So a host that lost its data comes back as a replica, and a failover is never undone from here.
- A master lets replicas in only once it owns slots. A master that lost its data and is back at its old address before
  the others noticed would else hand its emptiness to the replica that still has everything.
- Two clusters that both own slots are never brought together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .settings import Settings, Shard
from .view import REPLICATION_USER, Node, View

STARTING, WAITING, ATTENTION, OK = "starting", "waiting", "attention", "ok"
"""Of a host: its own instances do not answer yet; others are waited for; somebody has to decide; all is as planned."""


@dataclass(frozen=True)
class Action:
    """A command for one of this host's own instances."""

    endpoint: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """What kind of command it is, for counting: ``cluster meet``."""
        return " ".join(self.words[:2]).lower()


@dataclass
class Decision:
    """What to do, and what stands in the way of being done."""

    actions: list[Action] = field(default_factory=list)
    starting: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    attention: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """worth knowing, nothing to wait for"""

    @property
    def state(self) -> str:
        if self.starting:
            return STARTING
        if self.attention:
            return ATTENTION
        return WAITING if self.waiting or self.actions else OK


def decide(settings: Settings, views: Mapping[str, View]) -> Decision:
    """The next steps of one host.

    Args:
        views: of every instance of ``settings.everyone``, each as it answered just now.
    """
    decision = Decision()
    strangers = _divided(settings, views)
    if strangers:
        decision.attention.append(strangers)
    for endpoint in settings.planned:
        if endpoint not in settings.own and not views[endpoint].answers:
            decision.waiting.append(f"{settings.name(endpoint)} does not answer: {views[endpoint].error}")
    for endpoint in settings.own:
        view = views[endpoint]
        if not view.answers:
            decision.starting.append(f"{settings.name(endpoint)}: {view.error}")
            continue
        _open_replication(view, decision)
        if endpoint in settings.leaving:
            decision.notes.append(f"{settings.name(endpoint)} leaves the cluster: fleet redis reshape")
        elif not strangers:
            _join(settings, views, view, decision)
    return decision


def _join(settings: Settings, views: Mapping[str, View], view: View, decision: Decision) -> None:
    decision.actions += _meetings(settings, views, view)
    decision.actions += _farewells(settings, views, view)
    shard = settings.shard(view.endpoint)
    if shard is None:
        return
    me = view.myself
    if me.master:
        _as_replica(settings, shard, views, view, decision)
    elif me.slots:
        _as_master(settings, shard, view, decision)
    elif view.keys:
        decision.attention.append(
            f"{settings.name(view.endpoint)} owns no slot but holds {view.keys} keys, so it can join nothing: look at "
            "them, then FLUSHALL there"
        )
    else:
        _as_newcomer(settings, shard, views, view, decision)
    unowned = _unowned(view)
    if unowned and any(node.slots for node in view.nodes):
        decision.waiting.append(
            f"{unowned} slots have no owner that answers, as {settings.name(view.endpoint)} sees it"
        )


def _as_replica(settings: Settings, shard: Shard, views: Mapping[str, View], view: View, decision: Decision) -> None:
    name = settings.name(view.endpoint)
    master = view.node(view.myself.master)
    if view.link != "up":
        decision.waiting.append(f"{name} has no connection to its master, or is being filled")
    partner = views.get(shard.partner(view.endpoint))
    rebuilt = partner is not None and partner.answers and master is not None and partner.id != master.id
    if rebuilt and master is not None and "noaddr" in master.flags:
        # Somebody else answers at the master's address: it was rebuilt before it was missed. Redis never counts a node
        # without an address as failed, so nobody would promote this replica. The masters still have to vote for it.
        if view.offset and partner is not None and not partner.myself.slots:
            decision.actions.append(Action(view.endpoint, ("CLUSTER", "FAILOVER", "FORCE")))
        return
    if master is None or master.endpoint != shard.partner(view.endpoint):
        where = settings.name(master.endpoint) if master and master.endpoint else "an unknown node"
        decision.attention.append(f"{name} replicates {where}, which is not what the plan says: fleet redis reshape")
    elif view.endpoint == shard.home:
        decision.notes.append(
            f"{shard.region}'s slots are at {settings.name(shard.spare)} since a failover: fleet redis rejoin "
            f"{settings.names[shard.home]}"
        )


def _as_master(settings: Settings, shard: Shard, view: View, decision: Decision) -> None:
    if not view.myself.owns(shard.tag_slot):
        decision.attention.append(
            f"{settings.name(view.endpoint)} has slots, but not its region's ({shard.region}): fleet redis reshape"
        )
    elif shard.spare and not any(node.master == view.id for node in view.nodes):
        decision.waiting.append(f"{settings.name(view.endpoint)} has no replica yet")


def _as_newcomer(settings: Settings, shard: Shard, views: Mapping[str, View], view: View, decision: Decision) -> None:
    name = settings.name(view.endpoint)
    # A node that was rebuilt hears nothing of its old self from the others' heartbeats: their tables have to be asked.
    tables = (view, *(views[endpoint] for endpoint in settings.planned))
    owner = next((node for table in tables if (node := table.owner(shard.tag_slot))), None)
    partner = views.get(shard.partner(view.endpoint))
    if owner is None:
        obstacle = _not_formable(settings, views)
        if view.endpoint != shard.home:
            decision.waiting.append(f"{name} waits for {settings.name(shard.home)} to have its slots")
        elif obstacle:
            decision.waiting.append(f"{name} has no slots yet: {obstacle}")
        else:
            bounds = [str(bound) for pair in shard.ranges for bound in pair]
            decision.actions.append(Action(view.endpoint, ("CLUSTER", "ADDSLOTSRANGE", *bounds)))
    elif partner is not None and partner.answers and owner.id == partner.id:
        # Both must say so: right after a failover this instance's own table may be behind.
        if partner.myself.owns(shard.tag_slot) and not owner.failing and owner.connected:
            decision.actions.append(Action(view.endpoint, ("CLUSTER", "REPLICATE", owner.id)))
        else:
            decision.waiting.append(f"{name} waits for {settings.name(partner.endpoint)} to be settled")
    elif owner.failing:
        decision.waiting.append(
            f"{shard.region}'s slots belong to a node that is gone; {name} waits for its replica to be promoted. If "
            f"there is none left, their keys are lost: fleet redis rejoin {settings.names[shard.home]} --accept-loss"
        )
    else:
        holder = settings.name(owner.endpoint) if owner.endpoint else "a node without an address"
        decision.attention.append(f"{shard.region}'s slots are at {holder}: fleet redis reshape")


def _open_replication(view: View, decision: Decision) -> None:
    me = view.myself
    if (me.master or me.slots) and not view.replication_open:
        decision.actions.append(Action(view.endpoint, ("ACL", "SETUSER", REPLICATION_USER, "on")))


def _meetings(settings: Settings, views: Mapping[str, View], view: View) -> Iterator[Action]:
    for endpoint in settings.planned:
        other = views[endpoint]
        if endpoint == view.endpoint or not other.answers:
            continue
        known = view.node(other.id)
        if known is None or known.endpoint != endpoint:
            address, _, port = endpoint.rpartition(":")
            yield Action(view.endpoint, ("CLUSTER", "MEET", address, port))


def _farewells(settings: Settings, views: Mapping[str, View], view: View) -> Iterator[Action]:
    """Forget ids that an instance had before it was rebuilt: known once every planned instance has said who it is."""
    if not all(views[endpoint].answers for endpoint in settings.planned):
        return
    present = {one.id for one in views.values() if one.answers}
    for node in view.nodes:
        gone = bool(node.flags & {"fail", "noaddr"}) and "handshake" not in node.flags
        ours = not node.endpoint or node.endpoint in settings.planned
        if gone and ours and not node.slots and node.id not in present and node.id != view.myself.master:
            yield Action(view.endpoint, ("CLUSTER", "FORGET", node.id))


def _not_formable(settings: Settings, views: Mapping[str, View]) -> str:
    """Why slots must not be given out now; empty if they may."""
    silent = [endpoint for endpoint in settings.planned if not views[endpoint].answers]
    if silent:
        return "waiting for " + ", ".join(map(settings.name, silent))
    ids = {endpoint: views[endpoint].id for endpoint in settings.planned}
    wanted = {ids[shard.home]: shard.ranges for shard in settings.shards}
    for endpoint in settings.planned:
        view, name = views[endpoint], settings.name(endpoint)
        for other, other_id in ids.items():
            node = view.node(other_id)
            if node is None or "handshake" in node.flags:
                return f"{name} has not met {settings.name(other)} yet"
            if node.failing or node.endpoint != other or not (node.connected or other == endpoint):
                return f"{name} has no connection to {settings.name(other)}"
        strangers = [node for node in view.nodes if node.id not in ids.values()]
        if strangers:
            return f"{name} knows a node that is not planned: {_described(strangers[0])}"
        if any(node.ranges and node.ranges != wanted.get(node.id) for node in view.nodes):
            return f"{name} knows a cluster whose slots are shared out otherwise"
    return ""


def _divided(settings: Settings, views: Mapping[str, View]) -> str:
    """Two clusters with slots among those who answer; empty if there are none."""
    holders = {endpoint: {node.id for node in view.nodes if node.slots} for endpoint, view in views.items()}
    known = {endpoint: {node.id for node in view.nodes} for endpoint, view in views.items()}
    formed = [endpoint for endpoint in views if holders[endpoint]]
    for first in formed:
        for second in formed:
            # While a cluster is being formed not everybody has heard of every owner, but they know each other.
            if not holders[first] & known[second] and not holders[second] & known[first]:
                return (
                    f"{settings.name(first)} and {settings.name(second)} are in two clusters that both own slots; "
                    "nothing is done until one of them is emptied: its keys, then CLUSTER RESET HARD"
                )
    return ""


def _unowned(view: View) -> int:
    return 16384 - sum(node.slots for node in view.nodes if not node.flags & {"fail", "noaddr"})


def _described(node: Node) -> str:
    return node.endpoint or f"{node.id[:8]} (address unknown)"
