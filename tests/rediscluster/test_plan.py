"""How the slots are shared out among the members, and who replicates whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from rediscluster import SLOTS, ClusterPlanError, ClusterSettings, Member, Profile, plan, slot_of, tag_slot
from rediscluster.slots import crc16, ranges_of, share_out, slots_in

REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")
SUBSETS = [chosen for size in range(3, 8) for chosen in combinations(REGIONS, size)]


def settings(*regions: str, profile: Profile = Profile.HA) -> ClusterSettings:
    return ClusterSettings(
        profile,
        tuple(Member(region, region, IPv4Address(f"10.77.{REGIONS.index(region)}.1")) for region in regions),
    )


def test_slots_are_those_of_redis() -> None:
    assert crc16(b"123456789") == 0x31C3, "the check value of the cluster specification"
    known = {"nj": 9673, "sg": 331, "lon": 14454, "chi": 15671, "tyo": 11072, "fra": 15223, "mex": 4730}
    assert {region: tag_slot(region) for region in known} == known, "as measured with CLUSTER KEYSLOT"


@pytest.mark.parametrize(
    ("key", "counts"),
    [
        ("{nj}:order:1", "nj"),
        ("order:{nj}:{sg}", "nj"),
        ("{}{nj}", "{}{nj}"),
        ("order:{nj", "order:{nj"),
        ("}{nj}", "nj"),
        ("plain", "plain"),
    ],
)
def test_a_key_lies_where_its_tag_says(key: str, counts: str) -> None:
    assert slot_of(key) == crc16(counts.encode()) % SLOTS


@pytest.mark.parametrize("regions", SUBSETS, ids="-".join)
@pytest.mark.parametrize("profile", list(Profile))
def test_every_slot_once_each_tag_at_home_and_equal_shares(regions: tuple[str, ...], profile: Profile) -> None:
    shards = plan(settings(*regions, profile=profile)).shards
    assert sorted(slot for shard in shards for slot in slots_in(shard.ranges)) == list(range(SLOTS))
    for shard in shards:
        assert tag_slot(shard.region) in slots_in(shard.ranges)
        assert shard.home.host_id == shard.region
    sizes = [len(slots_in(shard.ranges)) for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    assert sum(len(shard.ranges) for shard in shards) <= 4 * len(regions), "few ranges: they travel in each heartbeat"


@pytest.mark.parametrize("regions", SUBSETS, ids="-".join)
def test_ha_has_each_replica_in_another_region_and_two_instances_a_host(regions: tuple[str, ...]) -> None:
    cluster = plan(settings(*regions))
    for shard in cluster.shards:
        assert shard.spare is not None
        assert shard.spare.host_id != shard.home.host_id
    for region in regions:
        assert [one.port for one in cluster.instances_on(region)] == [7001, 7002]


def test_spec_has_one_instance_a_host_and_no_replica() -> None:
    cluster = plan(settings("nj", "sg", "ldn", profile=Profile.SPEC))
    assert [shard.spare for shard in cluster.shards] == [None] * 3
    assert [one.port for one in cluster.instances_on("nj")] == [7001]


@pytest.mark.parametrize("regions", [(), ("hub",), ("hub", "nj")])
def test_fewer_than_three_members_are_no_cluster(regions: tuple[str, ...]) -> None:
    assert plan(settings(*regions)).shards == ()


def test_former_members_keep_their_instances_until_they_are_emptied() -> None:
    before = settings("hub", "nj", "sg")
    after = replace(settings("nj", "sg", "ldn"), leaving=(before.members[0],))
    cluster = plan(after)
    assert [one.port for one in cluster.instances_on("hub")] == [7001, 7002]
    assert not [one for one in cluster.instances if one.host_id == "hub"]


def test_all_mistakes_are_told_at_once() -> None:
    nj = Member("nj", "nj", IPv4Address("10.77.1.1"))
    wrong = ClusterSettings(Profile.HA, (nj, nj, Member("sg", "sg", nj.mesh_address)), node_timeout_ms=10)
    with pytest.raises(ClusterPlanError) as told:
        plan(wrong)
    for what in ("region nj", "host nj", "address 10.77.1.1", "node timeout 10 ms"):
        assert what in str(told.value)


def test_two_tags_of_one_slot_are_refused_by_name() -> None:
    twins: dict[int, str] = {}
    for number in range(SLOTS + 1):  # one more name than slots: two of them must share one
        name = f"r{number}"
        if (first := twins.setdefault(tag_slot(name), name)) != name:
            break
    members = [Member(region, region, IPv4Address(f"10.77.9.{n}")) for n, region in enumerate((first, name, "nj"), 1)]
    with pytest.raises(ClusterPlanError, match=f"the tags of {first} and {name} share slot"):
        plan(ClusterSettings(Profile.HA, tuple(members)))


MEMBERS = st.lists(st.sampled_from(REGIONS), min_size=3, max_size=7, unique=True)


@settings_of_hypothesis(max_examples=30)
@given(before=MEMBERS, after=MEMBERS)
def test_changing_members_moves_no_more_slots_than_it_must(before: list[str], after: list[str]) -> None:
    tags = {region: tag_slot(region) for region in REGIONS}
    then = share_out(before, {region: tags[region] for region in before})
    now = share_out(after, {region: tags[region] for region in after}, then)
    assert sorted(now) == list(range(SLOTS))
    had, sizes = Counter(then.values()), Counter(now.values())
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert all(now[tags[region]] == region for region in after)
    moved = sum(now[slot] != then[slot] for slot in then)
    must = sum(max(0, had[region] - sizes[region]) for region in before)
    assert moved <= must + 2 * len(after), "beyond what is too much with its owner, only the tags and their exchange"


@given(st.sets(st.integers(0, SLOTS - 1)))
def test_ranges_say_the_same_as_the_slots(slots: set[int]) -> None:
    ranges = ranges_of(slots)
    assert slots_in(ranges) == slots
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(ranges))
