"""The way of a running cluster to the members that are configured: always just the next step, from what is now.

So a run that was killed is simply begun again. The order keeps every key, and a replica of it, at each moment:
1. nobody moves before every configured instance is in the cluster;
2. slots that an earlier run left open are finished first;
3. slots go where they belong: each region's tag to the region, no more of the others than equal shares ask for;
4. replicas are attached to their new masters, one after the other, each filled before the next one lets go of its old;
5. former members leave once they own nothing and nobody needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rediscluster.keeper.view import REPLICATION_USER, Node, View
from rediscluster.plan import ClusterPlan, Instance, Shard
from rediscluster.slots import SLOTS, share_out
from rediscluster.steps import Blocked, Command, Done, Farewell, Move, Step, Wait

SLOTS_AT_ONCE = 1024
"""Slots of one move: some seconds on the longest path, and what an interrupted run has to do again."""


def next_step(plan: ClusterPlan, views: Mapping[str, View]) -> Step:
    """What to do next.

    Args:
        views: of every instance of the plan, those that leave included, each as it answered just now.
    """
    return next(_steps(plan, views), Done())


def _steps(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    yield from _obstacles(plan, views)
    yield from _everybody_in(plan, views)
    if not any(view.myself.slots for view in views.values() if view.answers):
        yield from _farewells(plan, views)
        yield Wait("the keepers have not formed the cluster yet")
    for one in plan.instances:
        if views[one.endpoint].state != "ok":
            # A newcomer refuses keys until it has heard of a majority of the masters.
            yield Wait(f"{name_of(plan, one.endpoint)} does not serve yet")
    yield from _slots(plan, views)
    yield from _replicas(plan, views)
    yield from _farewells(plan, views)


def name_of(plan: ClusterPlan, endpoint: str) -> str:
    """An instance for people: ``nj:7001``."""
    known = {one.endpoint: one.host_id for one in (*plan.instances, *plan.leaving)}
    address, _, port = endpoint.rpartition(":")
    return f"{known.get(endpoint, address)}:{port}"


def _obstacles(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    if not plan.shards:
        yield Blocked("fewer than three members are configured: that is no cluster")
    for one in plan.instances:
        if not views[one.endpoint].answers:
            reason = views[one.endpoint].error
            yield Blocked(f"{name_of(plan, one.endpoint)} does not answer ({reason}): fleet up {one.host_id}")


def _everybody_in(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    for one in plan.instances:
        for other in plan.instances:
            node = views[one.endpoint].node(views[other.endpoint].id)
            if node is None or "handshake" in node.flags or node.failing:
                first, second = name_of(plan, one.endpoint), name_of(plan, other.endpoint)
                yield Wait(f"{first} and {second} have not met yet: their keepers see to it")


def _slots(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    masters = _masters(views)
    owners: dict[int, str] = {}
    for endpoint, view in masters.items():
        for first, last in view.myself.ranges:
            for slot in range(first, last + 1):
                if slot in owners:
                    yield Wait(f"{name_of(plan, endpoint)} and {name_of(plan, owners[slot])} both claim slot {slot}")
                owners[slot] = endpoint
    if len(owners) < SLOTS:
        # Right after a failover, or a change of hands, the tables differ for a moment.
        yield from _unowned(plan, views, owners)
    homes = {shard.home.endpoint: shard.region for shard in plan.shards}
    for shard in plan.shards:
        yield from _home_again(plan, shard, views, owners)
        if views[shard.home.endpoint].myself.master:
            yield Blocked(f"{name_of(plan, shard.home.endpoint)} replicates a node that has not its slots")
    yield from _open_slots(plan, views, owners)
    yield from _newcomers(plan, views)
    tags = {shard.region: shard.tag_slot for shard in plan.shards}
    wanted = share_out(list(tags), tags, {slot: homes.get(endpoint, "") for slot, endpoint in owners.items()})
    targets = {region: endpoint for endpoint, region in homes.items()}
    moves: dict[tuple[str, str], list[int]] = {}
    for slot, region in sorted(wanted.items()):
        if owners[slot] != targets[region]:
            moves.setdefault((owners[slot], targets[region]), []).append(slot)
    for (source, target), slots in moves.items():
        yield from _cover(plan, views, target)
        yield _move(plan, source, target, slots)


def _move(plan: ClusterPlan, source: str, target: str, slots: Sequence[int]) -> Move:
    now = tuple(slots[:SLOTS_AT_ONCE])
    purpose = f"{len(now)} of {len(slots)} slots from {name_of(plan, source)} to {name_of(plan, target)}"
    return Move(source, target, now, purpose)


def _cover(plan: ClusterPlan, views: Mapping[str, View], target: str) -> Iterator[Step]:
    """Who gets slots has a replica before: its own, or one that is spared elsewhere until its own is free."""
    shard = next(shard for shard in plan.shards if shard.home.endpoint == target)
    master = views[target]
    if shard.spare is None or _filled(master, views):
        return
    if any(view.answers and view.myself.master == master.id for view in views.values()):
        yield Wait(f"the replica of {name_of(plan, target)} is being filled")
    if not master.replication_open:
        name = name_of(plan, target)
        yield Command(target, ("ACL", "SETUSER", REPLICATION_USER, "on"), f"{name} lets replicas in")
    host = target.partition(":")[0]
    free = [
        endpoint
        for endpoint, view in views.items()
        if view.answers and view.myself.master and not _missed(endpoint, views) and not endpoint.startswith(f"{host}:")
    ]
    for endpoint in sorted(free, key=lambda one: one != shard.spare.endpoint if shard.spare else True):
        yield _attach(plan, endpoint, master)
    # Nobody can be spared without uncovering others: then the newcomer goes without until its own replica is free.


def _unowned(plan: ClusterPlan, views: Mapping[str, View], owners: Mapping[int, str]) -> Iterator[Step]:
    known: dict[str, Node] = {node.id: node for view in views.values() for node in view.nodes if node.slots}
    present = {view.id for view in views.values() if view.answers}
    gone = [node for node in known.values() if node.id not in present]
    where = ", ".join(name_of(plan, node.endpoint) if node.endpoint else node.id[:8] for node in gone)
    missing = SLOTS - len(owners)
    if not gone or any("fail" not in node.flags and "noaddr" not in node.flags for node in gone):
        yield Wait(f"{missing} slots are between two owners")
    yield Blocked(
        f"{missing} slots belong to {where}, which does not answer: bring its host back first, or give its keys up: "
        "fleet redis rejoin HOST --accept-loss"
    )


def _home_again(
    plan: ClusterPlan, shard: Shard, views: Mapping[str, View], owners: Mapping[int, str]
) -> Iterator[Step]:
    """A shard that a failover took away comes home before anything is counted."""
    holder, home = owners.get(shard.tag_slot, ""), views[shard.home.endpoint]
    if holder in ("", shard.home.endpoint):
        return
    if home.myself.master == views[holder].id:
        yield from take_over(plan, shard.home, views)


def take_over(plan: ClusterPlan, instance: Instance, views: Mapping[str, View]) -> Iterator[Step]:
    """Make a replica the master of its shard, without losing a write: once it is filled."""
    view = views[instance.endpoint]
    name = name_of(plan, instance.endpoint)
    if view.link != "up":
        yield Wait(f"{name} is being filled by its master")
    yield Command(instance.endpoint, ("CLUSTER", "FAILOVER"), f"{name} takes its shard over")


def _open_slots(plan: ClusterPlan, views: Mapping[str, View], owners: Mapping[int, str]) -> Iterator[Step]:
    """Finish what was begun, towards where it was begun; a mark that leads nowhere is taken away."""
    by_id = {view.id: endpoint for endpoint, view in _masters(views).items()}
    moves: dict[tuple[str, str], list[int]] = {}
    for endpoint, view in _masters(views).items():
        for slot, giver in view.myself.importing.items():
            if owners[slot] != endpoint:
                moves.setdefault((owners[slot], endpoint), []).append(slot)
            else:
                yield _stable(plan, endpoint, slot, f"{giver[:8]} has given it")
    covered = {slot for slots in moves.values() for slot in slots}
    for endpoint, view in _masters(views).items():
        for slot, taker in view.myself.migrating.items():
            if slot in covered:
                continue
            if owners[slot] == endpoint and by_id.get(taker, endpoint) != endpoint:
                moves.setdefault((endpoint, by_id[taker]), []).append(slot)
            else:
                yield _stable(plan, endpoint, slot, f"{taker[:8]} takes nothing")
    for (source, target), slots in moves.items():
        yield _move(plan, source, target, sorted(slots))


def _stable(plan: ClusterPlan, endpoint: str, slot: int, why: str) -> Command:
    purpose = f"{name_of(plan, endpoint)} closes slot {slot}: {why}"
    return Command(endpoint, ("CLUSTER", "SETSLOT", str(slot), "STABLE"), purpose)


def _newcomers(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    """Instances that have nothing yet replicate whom they are meant for, where that one has its slots already."""
    for shard in plan.shards:
        if shard.spare is None or not views[shard.home.endpoint].myself.owns(shard.tag_slot):
            continue
        spare, home = views[shard.spare.endpoint], views[shard.home.endpoint]
        if not spare.myself.master and not spare.myself.slots and not spare.keys:
            yield _attach(plan, spare.endpoint, home)
        elif spare.myself.master == home.id and spare.link != "up":
            yield Wait(f"{name_of(plan, spare.endpoint)} is being filled by {name_of(plan, home.endpoint)}")


def _replicas(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    wrong = []
    for shard in plan.shards:
        if shard.spare is None:
            continue
        spare, home = views[shard.spare.endpoint], views[shard.home.endpoint]
        name = name_of(plan, shard.spare.endpoint)
        if spare.myself.master != home.id:
            wrong.append(shard)
        elif spare.link != "up":
            yield Wait(f"{name} is being filled by {name_of(plan, shard.home.endpoint)}")
        if not spare.myself.master and (spare.keys or spare.myself.slots):
            yield Blocked(
                f"{name} should replicate, but has {spare.myself.slots} slots and {spare.keys} keys of its own"
            )
    # Those first whom nobody misses; where everybody is missed, a master is without a replica for a moment.
    for shard in sorted(wrong, key=lambda one: _missed(_spare(one), views)):
        yield _attach(plan, _spare(shard), views[shard.home.endpoint])


def _attach(plan: ClusterPlan, replica: str, master: View) -> Command:
    purpose = f"{name_of(plan, replica)} replicates {name_of(plan, master.endpoint)}"
    return Command(replica, ("CLUSTER", "REPLICATE", master.id), purpose)


def _spare(shard: Shard) -> str:
    return shard.spare.endpoint if shard.spare else ""


def _missed(replica: str, views: Mapping[str, View]) -> bool:
    """Whether a master with slots would be left without a replica if this one went away."""
    master = next((view for view in _masters(views).values() if view.id == views[replica].myself.master), None)
    if master is None or not master.myself.slots:
        return False
    return not any(view.endpoint != replica for view in _filled(master, views))


def _filled(master: View, views: Mapping[str, View]) -> list[View]:
    """A master's replicas that have all its keys."""
    return [view for view in views.values() if view.answers and view.myself.master == master.id and view.link == "up"]


def _farewells(plan: ClusterPlan, views: Mapping[str, View]) -> Iterator[Step]:
    staying = {views[one.endpoint].id for one in plan.instances}
    known: dict[str, list[str]] = {}
    for one in plan.instances:
        for node in views[one.endpoint].nodes:
            if node.id not in staying and "handshake" not in node.flags:
                known.setdefault(node.id, []).append(one.endpoint)
    leaving = {views[one.endpoint].id: one.endpoint for one in plan.leaving if views[one.endpoint].answers}
    # A replica cannot leave after its master: replicas of those that leave go first.
    for node_id in sorted(known, key=lambda each: each in leaving and not views[leaving[each]].myself.master):
        endpoint = leaving.get(node_id, "")
        purpose = f"{name_of(plan, endpoint) if endpoint else node_id[:8]} leaves"
        yield Farewell(node_id, endpoint, tuple(known[node_id]), purpose)
    for node_id, endpoint in leaving.items():
        if len(views[endpoint].nodes) > 1:
            yield Farewell(node_id, endpoint, (), f"{name_of(plan, endpoint)} leaves")


def _masters(views: Mapping[str, View]) -> dict[str, View]:
    return {endpoint: view for endpoint, view in views.items() if view.answers and not view.myself.master}
