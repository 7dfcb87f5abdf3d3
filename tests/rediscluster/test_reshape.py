"""Other members take a running cluster over, under load, killed at each step, without losing a key."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from rediscluster import ClusterPlan, Profile, plan, reshape, slot_of
from rediscluster.drive import RedisStopped, drive
from rediscluster.keeper.resp import Reply
from rediscluster.remote import Ask, RemoteCluster
from rediscluster.steps import Done, Move
from tests.rediscluster.stand import PASSWORDS, Stand, until
from tests.rediscluster.writer import ClusterWriter, Load

pytestmark = pytest.mark.parts

BEFORE, AFTER, ALL = ("hub", "nj", "sg"), ("nj", "sg", "ldn"), ("hub", "nj", "sg", "ldn")


class Killed(Exception):
    """The operator's command was killed."""


class Interrupted(RemoteCluster):
    """A cluster whose operator is killed after a number of acts."""

    acts = 1

    def command(self, at: str, words: tuple[str, ...]) -> None:
        super().command(at, words)
        self._count()

    def move(self, source: str, target: str, slots: tuple[int, ...]) -> int:
        keys = super().move(source, target, slots)
        self._count()
        return keys

    def _count(self) -> None:
        self.acts -= 1
        if not self.acts:
            raise Killed


@pytest.mark.parametrize("profile", list(Profile))
def test_members_change_under_load_and_nothing_is_lost(stand: Stand, profile: Profile) -> None:
    cluster = prepared(stand, profile)
    load = started_load(stand)
    drive(remote(stand, cluster), lambda views: reshape.next_step(cluster, views), lambda line: None)
    stand.kill_host("hub")
    until(lambda: stand.formed(cluster), "the cluster of the new members stands without the old one")
    tally = load.finish()
    assert tally.acknowledged > 500
    assert not tally.lost
    assert_alone(stand, cluster)


def test_a_reshape_killed_after_every_single_act_goes_on_from_there(stand: Stand) -> None:
    cluster = prepared(stand, Profile.HA)
    load = started_load(stand)
    for _ in range(300):
        try:
            operator = Interrupted(cluster, asking(stand))
            drive(operator, lambda views: reshape.next_step(cluster, views), lambda line: None)
            break
        except Killed:
            continue
    else:
        pytest.fail("300 acts were not enough")
    assert isinstance(reshape.next_step(cluster, remote(stand, cluster).look()), Done)
    until(lambda: stand.formed(cluster), "the cluster stands")
    assert not load.finish().lost
    assert_alone(stand, cluster)


def test_a_move_killed_in_its_middle_is_finished_first(stand: Stand) -> None:
    cluster = prepared(stand, Profile.HA)
    hub, ldn = (str(stand.member(name).mesh_address) + ":7001" for name in ("hub", "ldn"))
    giver = stand.view(hub)
    slots = [slot for first, last in giver.myself.ranges for slot in range(first, last + 1)][:40]
    tags = [tag for tag in (f"t{n}" for n in range(60_000)) if slot_of("{" + tag + "}") in set(slots)]
    written = {f"{{{tag}}}:{n}": "x" * 2000 for tag in tags[:60] for n in range(200)}
    client = stand.client(hub)
    client.pipeline([("SET", key, value) for key, value in written.items()])
    client.close()
    until(lambda: stand.view(ldn).state == "ok", "the newcomer takes keys")
    order = json.dumps({"source": hub, "target": ldn, "slots": slots})
    process = subprocess.Popen(
        [sys.executable, "-m", "keeper", "move"], stdin=subprocess.PIPE, env=stand.environment("hub")
    )
    assert process.stdin is not None
    process.stdin.write(order.encode())
    process.stdin.close()
    until(lambda: stand.view(ldn).keys or process.poll() is not None, "keys arrive")
    process.kill()
    process.wait()
    torn = stand.view(hub)
    assert torn.myself.migrating, "the kill came while slots were open"
    assert 0 < stand.view(ldn).keys < len(written)
    step = reshape.next_step(cluster, remote(stand, cluster).look())
    assert isinstance(step, Move)
    assert (step.source, step.target) == (hub, ldn)
    assert set(step.slots) == set(torn.myself.migrating)
    drive(remote(stand, cluster), lambda views: reshape.next_step(cluster, views), lambda line: None)
    reader = ClusterWriter(seeds(stand), "app", PASSWORDS["app"])
    missing = [key for key, value in written.items() if read(reader, key) != value]
    reader.close()
    assert missing == []


def test_a_host_that_is_away_stops_it_before_anything_is_moved(stand: Stand) -> None:
    cluster = prepared(stand, Profile.HA)
    stand.kill_host("ldn")
    with pytest.raises(RedisStopped, match=r"ldn:7001 does not answer .*: fleet up ldn"):
        drive(remote(stand, cluster), lambda views: reshape.next_step(cluster, views), lambda line: None)


def prepared(stand: Stand, profile: Profile) -> ClusterPlan:
    """hub, nj and sg are a cluster; all hosts have the release of nj, sg and ldn, hub as one that leaves."""
    before = stand.settings(*BEFORE, profile=profile)
    stand.start(before, *BEFORE)
    until(lambda: stand.formed(plan(before)), "the first cluster stands")
    after = stand.settings(*AFTER, profile=profile, leaving=("hub",))
    for host in BEFORE:
        stand.kill(f"keeper {host}")
        stand.start_keeper(after, host)
    stand.start(after, "ldn")
    known = {stand.view(one.endpoint).id for one in (*plan(before).instances, *plan(after).instances_on("ldn"))}
    until(
        lambda: all(
            known == {node.id for node in stand.view(one.endpoint).nodes if "handshake" not in node.flags}
            for one in plan(after).instances
        ),
        "everybody knows everybody",
    )
    return plan(after)


def started_load(stand: Stand) -> Load:
    """200 writes a second from one host, on tagged keys of every region and on others."""
    load = Load(seeds(stand), "app", PASSWORDS["app"], [*ALL])
    load.start()
    until(lambda: load.tally.acknowledged > 100, "writes are acknowledged")
    return load


def seeds(stand: Stand) -> list[str]:
    return [f"{stand.member(region).mesh_address}:7001" for region in AFTER[:2]]


def read(reader: ClusterWriter, key: str) -> Reply:
    return reader.call(key[1 : key.index("}")], ("GET", key), time.monotonic() + 30)


def remote(stand: Stand, cluster: ClusterPlan) -> RemoteCluster:
    return RemoteCluster(cluster, asking(stand))


def asking(stand: Stand) -> Ask:
    """The keeper's commands, run on each host as an operator runs them."""

    def ask(host: str, argv: Sequence[str], stdin: bytes) -> bytes:
        return stand.keeper(host, *argv, stdin=stdin).stdout

    return ask


def assert_alone(stand: Stand, cluster: ClusterPlan) -> None:
    """Nobody knows the former member any more, and the slots are shared as a new cluster's would be."""
    ids = {stand.view(one.endpoint).id for one in cluster.instances}
    assert all({node.id for node in stand.view(one.endpoint).nodes} == ids for one in cluster.instances)
    sizes = [stand.view(shard.home.endpoint).myself.slots for shard in cluster.shards]
    assert max(sizes) - min(sizes) <= 1
    for shard in cluster.shards:
        assert stand.view(shard.home.endpoint).myself.owns(shard.tag_slot)
