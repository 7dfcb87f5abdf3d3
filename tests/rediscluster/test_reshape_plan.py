"""The way from any members to any others, step by step, on a cluster of paper: laws that hold at each moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st

from rediscluster import SLOTS, ClusterPlan, ClusterSettings, Member, Profile, plan, reshape
from rediscluster.keeper.view import Node, View
from rediscluster.slots import ranges_of, slots_in
from rediscluster.steps import Blocked, Command, Done, Farewell, Move, Step, Wait

REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")
MEMBERS = st.lists(st.sampled_from(REGIONS), min_size=3, max_size=5, unique=True)


@dataclass
class Paper:
    """A cluster of which every instance knows everything at once."""

    slots: dict[str, frozenset[int]]
    """of each instance, by endpoint"""
    masters: dict[str, str]
    """whom an instance replicates; empty for a master"""
    gone: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)

    def views(self) -> dict[str, View]:
        table = tuple(self._node(endpoint) for endpoint in self.slots if endpoint not in self.gone)
        return {endpoint: self._view(endpoint, table) for endpoint in self.slots}

    def take(self, step: Step) -> None:
        if isinstance(step, Move):
            assert set(step.slots) <= self.slots[step.source], "who gives owns it"
            assert not self.masters[step.target], "a replica takes no slots"
            self.slots[step.source] -= set(step.slots)
            self.slots[step.target] |= set(step.slots)
        elif isinstance(step, Farewell):
            assert step.endpoint, "here everybody answers"
            assert not self.slots[step.endpoint], "who leaves owns nothing"
            self.gone.add(step.endpoint)
            self.masters[step.endpoint] = ""
        elif isinstance(step, Command) and step.words[1] == "REPLICATE":
            assert not self.slots[step.at]
            assert step.words[2] in self.open or self.slots[step.words[2]], "its master lets replicas in"
            self.masters[step.at] = step.words[2]
        elif isinstance(step, Command) and step.words[1] == "FAILOVER":
            old = self.masters[step.at]
            self.slots[step.at], self.slots[old] = self.slots[old], frozenset()
            self.masters |= {one: step.at for one, master in self.masters.items() if master == old}
            self.masters |= {step.at: "", old: step.at}
        else:
            assert isinstance(step, Command), step
            assert step.words[0] == "ACL", step
            self.open.add(step.at)

    def covered(self) -> bool:
        """Whether everybody with slots has a replica."""
        return all(endpoint in self.masters.values() for endpoint, slots in self.slots.items() if slots)

    def _node(self, endpoint: str) -> Node:
        master = self.masters[endpoint]
        flags = frozenset({"slave" if master else "master"})
        return Node(endpoint, endpoint, flags, master, True, 1, ranges_of(self.slots[endpoint]))

    def _view(self, endpoint: str, table: tuple[Node, ...]) -> View:
        if endpoint in self.gone:
            alone = replace(self._node(endpoint), flags=frozenset({"myself", "master"}))
            return View(endpoint, nodes=(alone,), state="fail")
        nodes = tuple(
            replace(node, flags=node.flags | {"myself"}) if node.endpoint == endpoint else node for node in table
        )
        is_open = endpoint in self.open or bool(self.slots[endpoint])
        return View(endpoint, nodes=nodes, state="ok", link="up", offset=1, replication_open=is_open)


def configured(members: list[str], leaving: list[str], profile: Profile) -> ClusterPlan:
    def member(region: str) -> Member:
        return Member(region, region, IPv4Address(f"10.77.{REGIONS.index(region)}.1"))

    return plan(ClusterSettings(profile, tuple(map(member, members)), tuple(map(member, leaving))))


def running(before: ClusterPlan, after: ClusterPlan) -> Paper:
    """The cluster as it was formed, and beside it the new members' instances, which have nothing yet."""
    slots = {one.endpoint: frozenset[int]() for one in (*before.instances, *after.instances)}
    masters = dict.fromkeys(slots, "")
    for shard in before.shards:
        slots[shard.home.endpoint] = slots_in(shard.ranges)
        if shard.spare is not None:
            masters[shard.spare.endpoint] = shard.home.endpoint
    return Paper(slots, masters)


def walked(paper: Paper, after: ClusterPlan) -> list[Step]:
    """Take steps until there are none."""
    steps: list[Step] = []
    while not isinstance(step := reshape.next_step(after, seen(paper, after)), Done):
        assert not isinstance(step, Wait | Blocked), step
        assert len(steps) < 150, f"no end: {steps[-3:]}"
        paper.take(step)
        steps.append(step)
        assert sum(map(len, paper.slots.values())) == len(frozenset[int]().union(*paper.slots.values())) == SLOTS, step
    return steps


def seen(paper: Paper, after: ClusterPlan) -> Mapping[str, View]:
    asked = {one.endpoint for one in (*after.instances, *after.leaving)}
    return {endpoint: view for endpoint, view in paper.views().items() if endpoint in asked}


@settings(max_examples=8)
@given(old=MEMBERS, new=MEMBERS, profile=st.sampled_from(Profile))
def test_any_members_come_from_any_others(old: list[str], new: list[str], profile: Profile) -> None:
    before = configured(old, [], profile)
    after = configured(new, [region for region in old if region not in new], profile)
    paper = running(before, after)
    walked(paper, after)
    assert paper.gone == {one.endpoint for one in after.leaving}
    sizes = [len(paper.slots[shard.home.endpoint]) for shard in after.shards]
    assert max(sizes) - min(sizes) <= 1
    for shard in after.shards:
        assert shard.tag_slot in paper.slots[shard.home.endpoint]
        assert shard.spare is None or paper.masters[shard.spare.endpoint] == shard.home.endpoint
    assert walked(paper, after) == [], "a second run finds nothing to do"


def test_the_specified_change_leaves_nobody_without_a_replica_at_any_moment() -> None:
    before = configured(["hub", "nj", "sg"], [], Profile.HA)
    after = configured(["nj", "sg", "ldn"], ["hub"], Profile.HA)
    paper = running(before, after)
    while not isinstance(step := reshape.next_step(after, seen(paper, after)), Done):
        paper.take(step)
        assert paper.covered(), f"after {step}"


def test_a_failover_is_undone_before_anything_is_counted() -> None:
    before = configured(["nj", "sg", "ldn"], [], Profile.HA)
    paper = running(before, before)
    home, spare = before.shards[0].home.endpoint, before.shards[0].spare
    assert spare is not None
    paper.slots[spare.endpoint], paper.slots[home] = paper.slots[home], frozenset()
    paper.masters |= {spare.endpoint: "", home: spare.endpoint}
    assert [str(step) for step in walked(paper, before)] == ["nj:7001 takes its shard over"]


def test_the_first_thing_that_stands_in_the_way_is_named() -> None:
    after = configured(["nj", "sg", "ldn"], ["hub"], Profile.HA)
    paper = running(configured(["hub", "nj", "sg"], [], Profile.HA), after)
    views = dict(seen(paper, after))
    ldn, hub = "10.77.3.1:7001", "10.77.0.1:7001"
    silent = reshape.next_step(after, {**views, ldn: View(ldn, error="no answer")})
    assert silent == Blocked("ldn:7001 does not answer (no answer): fleet up ldn")
    gone = {**views, hub: View(hub, error="no answer")}
    marked = {
        endpoint: replace(
            view,
            nodes=tuple(
                replace(node, flags=node.flags | {"fail"}) if node.endpoint == hub else node for node in view.nodes
            ),
        )
        for endpoint, view in gone.items()
    }
    step = reshape.next_step(after, marked)
    assert isinstance(step, Blocked)
    assert step.reason.startswith("5462 slots belong to hub:7001, which does not answer")
