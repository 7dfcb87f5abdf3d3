"""Keepers form a cluster out of real instances and mend it, whatever the order and whatever dies."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import URLError

import pytest

from rediscluster import ClusterPlan, ClusterSettings, Profile, plan, slot_of
from rediscluster.keeper.resp import Refused
from tests.rediscluster.stand import KEEPER_PORT, PASSWORDS, Stand, until

pytestmark = pytest.mark.parts

HOSTS = ("nj", "sg", "ldn")


def test_three_hosts_become_one_cluster_with_local_slots_and_distant_replicas(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    cluster = plan(settings)
    stand.start(settings, *HOSTS)
    until(lambda: stand.formed(cluster), "the cluster stands")
    for shard in cluster.shards:
        assert stand.view(shard.home.endpoint).myself.owns(slot_of("{" + shard.region + "}:any")), "at home"
    until(lambda: stand.reports(HOSTS, "ok"), "the gates are green")


def test_keepers_that_start_again_find_nothing_to_do(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    form(stand, settings)
    before = identities(stand, settings)
    for host in HOSTS:
        stand.kill(f"keeper {host}")
        stand.start_keeper(settings, host)
    until(lambda: stand.reports(HOSTS, "ok"), "the gates are green again")
    assert identities(stand, settings) == before
    assert [report(stand, host)["actions"] for host in HOSTS] == [{}, {}, {}]


def test_a_late_member_is_waited_for_and_nobody_serves_before(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    first = ("nj", "sg")
    stand.start(settings, *first)
    until(lambda: stand.reports(first, "waiting"), "both wait, green for their own host")
    for host in first:
        said = stand.keeper(host, "gate").stdout.decode()
        assert "waiting for ldn:7001, ldn:7002" in said
        assert stand.keeper(host, "health").returncode == 0
    nj = stand.settings(*HOSTS).members[0].mesh_address
    with pytest.raises(Refused, match="CLUSTERDOWN"):
        stand.call(f"{nj}:7001", "SET", "{nj}:key", "value")
    stand.start(settings, "ldn")
    until(lambda: stand.formed(plan(settings)), "the cluster stands")


def test_a_gate_is_red_while_its_own_instance_does_not_answer(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    form(stand, settings)
    own = plan(settings).instances_on("nj")[1].endpoint
    stand.kill(own)
    until(lambda: report(stand, "nj").get("state") == "starting", "the keeper says whose turn it is")
    red = stand.keeper("nj", "gate", "1")
    assert red.returncode == 1
    assert "nj:7002" in red.stdout.decode()
    assert "nj:7002 does not answer" in stand.keeper("sg", "gate").stdout.decode()
    assert stand.keeper("sg", "gate").returncode == 75, "what another host owes is waited for"


def test_a_stopped_master_is_replaced_and_comes_back_as_a_replica(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    cluster = form(stand, settings)
    nj = cluster.shards[0]
    assert nj.spare is not None
    stand.call(nj.home.endpoint, "SET", "{nj}:key", "value")
    until(lambda: stand.call(nj.home.endpoint, "WAIT", 1, 100) == 1, "the replica has it")
    stand.kill_host("nj")
    until(lambda: stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot), "the replica is promoted")
    assert stand.call(nj.spare.endpoint, "GET", "{nj}:key") == "value"
    stand.start(settings, "nj")
    until(lambda: stand.formed(cluster), "the host is back")
    until(lambda: stand.reports(HOSTS, "ok"), "the gates are green")
    assert stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot), "a keeper does not undo a failover"
    assert "fleet redis rejoin nj" in " ".join(report(stand, "nj")["notes"])


def test_a_rebuilt_host_joins_as_a_replica_and_its_old_self_is_forgotten(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    cluster = form(stand, settings)
    nj = cluster.shards[0]
    assert nj.spare is not None
    stand.call(nj.home.endpoint, "SET", "{nj}:key", "value")
    until(lambda: stand.call(nj.home.endpoint, "WAIT", 1, 100) == 1, "the replica has it")
    old = set(identities(stand, settings))
    stand.kill_host("nj")
    until(lambda: stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot), "the replica is promoted")
    for instance in cluster.instances_on("nj"):
        stand.lose_data(instance)
    stand.start(settings, "nj")
    until(lambda: stand.formed(cluster), "the cluster is whole")
    assert stand.call(nj.spare.endpoint, "GET", "{nj}:key") == "value"
    assert stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot)
    now = set(identities(stand, settings))
    assert len(now - old) == 2, "two instances have a new id"
    until(
        lambda: all({node.id for node in stand.view(one.endpoint).nodes} == now for one in cluster.instances),
        "nobody knows the old ids any more",
    )


def test_a_master_back_without_its_data_before_the_others_noticed_empties_nobody(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    cluster = form(stand, settings)
    nj = cluster.shards[0]
    assert nj.spare is not None
    stand.call(nj.home.endpoint, "SET", "{nj}:key", "value")
    until(lambda: stand.call(nj.home.endpoint, "WAIT", 1, 100) == 1, "the replica has it")
    stand.kill(nj.home.endpoint)
    stand.lose_data(nj.home)
    stand.start_instance(nj.home)
    until(lambda: stand.view(nj.spare.endpoint).myself.owns(nj.tag_slot), "the replica is promoted")
    until(lambda: stand.formed(cluster), "the cluster is whole")
    assert stand.call(nj.home.endpoint, "DBSIZE") == 1, "filled again from its replica, not the other way round"
    assert stand.call(nj.spare.endpoint, "GET", "{nj}:key") == "value"


def test_spec_does_not_hand_the_slots_of_lost_data_to_anybody(stand: Stand) -> None:
    settings = stand.settings(*HOSTS, profile=Profile.SPEC)
    cluster = form(stand, settings)
    nj = cluster.shards[0]
    stand.call(nj.home.endpoint, "SET", "{nj}:key", "value")
    stand.kill_host("nj")
    until(lambda: "fail" in flags(stand, cluster.shards[1].home.endpoint, nj.home.endpoint), "it is missed")
    stand.lose_data(nj.home)
    stand.start(settings, "nj")
    until(lambda: "keys are lost" in " ".join(report(stand, "nj").get("waiting", ())), "it says what has to be decided")
    assert not stand.view(nj.home.endpoint).myself.slots
    assert "fleet redis rejoin nj --accept-loss" in stand.keeper("nj", "gate").stdout.decode()


def test_two_clusters_with_slots_are_never_brought_together(stand: Stand) -> None:
    ours, theirs = stand.settings("nj", "sg", "ldn"), stand.settings("hub", "chi", "tyo")
    form(stand, ours)
    form(stand, theirs)
    before = identities(stand, ours), identities(stand, theirs)
    mixed = stand.settings("nj", "sg", "hub")
    stand.kill("keeper nj")
    stand.start_keeper(mixed, "nj")
    until(lambda: report(stand, "nj").get("state") == "attention", "the keeper wants a person")
    assert "two clusters" in " ".join(report(stand, "nj")["attention"])
    assert report(stand, "nj")["actions"] == {}
    assert (identities(stand, ours), identities(stand, theirs)) == before


def test_metrics_are_what_prometheus_reads(stand: Stand) -> None:
    settings = stand.settings(*HOSTS)
    form(stand, settings)
    until(lambda: stand.reports(("nj",), "ok"), "the gate is green")
    text = ask(stand, "nj", "/metrics").decode()
    home, spare = (one.endpoint for one in plan(settings).instances_on("nj"))
    assert 'fleet_redis_state{state="ok"} 1' in text
    assert f'fleet_redis_slots{{instance="{home}"}} 5462' in text
    assert f'fleet_redis_link_up{{instance="{spare}"}} 1' in text
    assert PASSWORDS["admin"] not in text


def test_users_may_do_what_they_are_for_and_no_more(stand: Stand) -> None:
    cluster = form(stand, stand.settings(*HOSTS))
    home = cluster.shards[0].home.endpoint
    assert stand.call(home, "SET", "{nj}:key", "value", user="app") == "OK"
    assert "cluster_state:ok" in str(stand.call(home, "CLUSTER", "INFO", user="app"))
    for words in (("FLUSHALL",), ("CONFIG", "SET", "maxmemory", "1"), ("CLUSTER", "FORGET", "x"), ("KEYS", "*")):
        with pytest.raises(Refused, match="NOPERM"):
            stand.call(home, *words, user="app")
    assert "redis_version" in str(stand.call(home, "INFO", user="exporter"))
    with pytest.raises(Refused, match="NOPERM"):
        stand.call(home, "GET", "{nj}:key", user="exporter")
    with pytest.raises(Refused, match="NOPERM"):
        stand.call(home, "GET", "{nj}:key", user="repl")


def form(stand: Stand, settings: ClusterSettings) -> ClusterPlan:
    """Start every member and wait for the cluster."""
    stand.start(settings, *(member.host_id for member in settings.members))
    cluster = plan(settings)
    until(lambda: stand.formed(cluster), "the cluster stands")
    return cluster


def identities(stand: Stand, settings: ClusterSettings) -> tuple[str, ...]:
    return tuple(stand.view(one.endpoint).id for one in plan(settings).instances)


def flags(stand: Stand, at: str, of: str) -> frozenset[str]:
    return next(node.flags for node in stand.view(at).nodes if node.endpoint == of)


def report(stand: Stand, host: str) -> dict[str, Any]:
    """A keeper's last report; empty while it starts."""
    try:
        return dict(json.loads(ask(stand, host, "/status")))
    except URLError:
        return {}


def ask(stand: Stand, host: str, path: str) -> bytes:
    address = stand.member(host).mesh_address
    with urllib.request.urlopen(f"http://{address}:{KEEPER_PORT}{path}", timeout=5) as answer:
        return bytes(answer.read())
