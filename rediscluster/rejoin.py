"""Bringing one member back to its place: its own slots under its own master, or new ones where their keys are lost.

As in ``reshape``, always just the next step from what is now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rediscluster.keeper.view import View
from rediscluster.plan import ClusterPlan
from rediscluster.reshape import name_of, take_over
from rediscluster.slots import SLOTS, ranges_of
from rediscluster.steps import Blocked, Command, Done, Farewell, Step, Wait


def next_step(plan: ClusterPlan, views: Mapping[str, View], host_id: str, accept_loss: bool) -> Step:
    """What to do next so that ``host_id`` is where the plan wants it.

    Args:
        accept_loss: slots whose owner is gone for good, with no replica left, are given out empty.
    """
    return next(_steps(plan, views, host_id, accept_loss), Done())


def _steps(plan: ClusterPlan, views: Mapping[str, View], host_id: str, accept_loss: bool) -> Iterator[Step]:
    own = [one for one in plan.instances if one.host_id == host_id]
    if not own:
        yield Blocked(f"{host_id} is no member of the cluster; members: {', '.join(_members(plan))}")
    for one in own:
        if not views[one.endpoint].answers:
            name, reason = name_of(plan, one.endpoint), views[one.endpoint].error
            yield Blocked(f"{name} does not answer ({reason}): fleet up {host_id}")
        if len(views[one.endpoint].nodes) < 2:
            yield Wait(f"{name_of(plan, one.endpoint)} is in no cluster yet: its keeper sees to it")
    yield from _lost(plan, views, host_id, accept_loss)
    for shard in plan.shards:
        home = views[shard.home.endpoint]
        if shard.home.host_id == host_id and home.myself.master:
            yield from take_over(plan, shard.home, views)
    for one in own:
        view, name = views[one.endpoint], name_of(plan, one.endpoint)
        if view.myself.master and view.link != "up":
            yield Wait(f"{name} is being filled by its master")
        if not view.myself.master and not view.myself.slots:
            yield Wait(f"{name} has no part yet: its keeper sees to it")


def _lost(plan: ClusterPlan, views: Mapping[str, View], host_id: str, accept_loss: bool) -> Iterator[Step]:
    answering = {endpoint: view for endpoint, view in views.items() if view.answers}
    owned = {
        slot for view in answering.values() for first, last in view.myself.ranges for slot in range(first, last + 1)
    }
    missing = [slot for slot in range(SLOTS) if slot not in owned]
    if not missing:
        return
    present = {view.id for view in answering.values()}
    gone = {
        node.id: node
        for view in answering.values()
        for node in view.nodes
        if node.slots and node.id not in present and node.flags & {"fail", "noaddr"}
    }
    replicas = [view for view in answering.values() if view.myself.master in gone and view.offset]
    if replicas:
        yield Wait(f"{name_of(plan, replicas[0].endpoint)} is about to be promoted: it still has the keys")
    silent = [name_of(plan, one.endpoint) for one in plan.instances if one.endpoint not in answering]
    if silent:
        yield Blocked(
            f"{len(missing)} slots have no owner, and {', '.join(silent)} may have them: bring that back first"
        )
    if not accept_loss:
        yield Blocked(
            f"{len(missing)} slots have no owner: the keys in them are lost unless a disk still has them. To go on "
            f"without: fleet redis rejoin {host_id} --accept-loss"
        )
    for node_id in gone:
        tellers = tuple(endpoint for endpoint, view in answering.items() if view.node(node_id) is not None)
        yield Farewell(node_id, "", tellers, f"{node_id[:8]}, which is gone for good, is forgotten")
    home = next((shard.home for shard in plan.shards if shard.home.host_id == host_id), None)
    if home is not None and not views[home.endpoint].myself.master:
        bounds = [str(bound) for pair in ranges_of(missing) for bound in pair]
        purpose = f"{name_of(plan, home.endpoint)} takes {len(missing)} empty slots"
        yield Command(home.endpoint, ("CLUSTER", "ADDSLOTSRANGE", *bounds), purpose)


def _members(plan: ClusterPlan) -> list[str]:
    return [shard.home.host_id for shard in plan.shards]
