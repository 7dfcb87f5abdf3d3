"""A host that was away gets its slots back, or new ones where the keys are gone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tests.rediscluster.writer as writer_module
from rediscluster import ClusterPlan, Profile, plan, rejoin
from rediscluster.drive import RedisStopped, drive
from tests.rediscluster.stand import PASSWORDS, Stand, until
from tests.rediscluster.test_reshape import remote
from tests.rediscluster.writer import Load

pytestmark = pytest.mark.parts

HOSTS = ("nj", "sg", "ldn")


def test_a_returned_host_takes_its_slots_back_under_load_without_losing_a_write(stand: Stand) -> None:
    cluster = formed(stand, Profile.HA)
    nj = cluster.shards[0]
    assert nj.spare is not None
    stand.kill_host("nj")
    until(lambda: stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot), "the replica is promoted")
    stand.start(stand.settings(*HOSTS), "nj")
    until(lambda: stand.formed(cluster), "the host is back, as a replica")
    load = Load([f"{stand.member('sg').mesh_address}:7001"], "app", PASSWORDS["app"], HOSTS)
    load.start()
    until(lambda: load.tally.acknowledged > 100, "writes are acknowledged")
    take_back(stand, cluster, "nj", accept_loss=False)
    until(lambda: stand.formed(cluster), "the cluster stands")
    assert stand.view(nj.home.endpoint).myself.owns(nj.tag_slot)
    assert not load.finish().lost


def test_lost_keys_are_given_up_only_when_somebody_says_so(stand: Stand) -> None:
    cluster = formed(stand, Profile.SPEC)
    nj = cluster.shards[0]
    stand.kill_host("nj")
    stand.lose_data(nj.home)
    with pytest.raises(RedisStopped, match="nj:7001 does not answer"):
        take_back(stand, cluster, "nj", accept_loss=True)
    stand.start(stand.settings(*HOSTS, profile=Profile.SPEC), "nj")
    with pytest.raises(RedisStopped, match="fleet redis rejoin nj --accept-loss"):
        take_back(stand, cluster, "nj", accept_loss=False)
    take_back(stand, cluster, "nj", accept_loss=True)
    until(lambda: stand.formed(cluster), "every slot has an owner again")
    assert stand.view(nj.home.endpoint).myself.owns(nj.tag_slot)
    until(lambda: stand.reports(HOSTS, "ok"), "the gates are green")


def test_a_host_that_is_no_member_is_named_with_those_that_are(stand: Stand) -> None:
    cluster = formed(stand, Profile.HA)
    with pytest.raises(RedisStopped, match="hub is no member of the cluster; members: nj, sg, ldn"):
        take_back(stand, cluster, "hub", accept_loss=False)


def formed(stand: Stand, profile: Profile) -> ClusterPlan:
    settings = stand.settings(*HOSTS, profile=profile)
    stand.start(settings, *HOSTS)
    cluster = plan(settings)
    until(lambda: stand.formed(cluster), "the cluster stands")
    return cluster


def take_back(stand: Stand, cluster: ClusterPlan, host: str, accept_loss: bool) -> None:
    drive(
        remote(stand, cluster),
        lambda views: rejoin.next_step(cluster, views, host, accept_loss),
        lambda line: None,
    )


def test_the_writer_runs_on_a_host_with_nothing_but_the_keeper(stand: Stand) -> None:
    cluster = formed(stand, Profile.HA)
    order = {
        "seeds": [shard.home.endpoint for shard in cluster.shards],
        "user": "app",
        "password": PASSWORDS["app"],
        "tags": HOSTS,
        "rate": 200,
    }
    writer = subprocess.Popen(
        [sys.executable, "-c", Path(writer_module.__file__).read_text()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=stand.environment("nj"),
        cwd=stand.folder,
    )
    assert writer.stdin is not None
    writer.stdin.write(json.dumps(order).encode() + b"\n")
    writer.stdin.flush()
    until(lambda: sum(stand.view(shard.home.endpoint).keys for shard in cluster.shards) > 100, "it writes")
    told, _ = writer.communicate()
    tally = json.loads(told)
    assert tally["acknowledged"] > 100
    assert tally["lost"] == []
