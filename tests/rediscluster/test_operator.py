"""What an operator sees and does: over ssh, through each host's keeper."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.redis.change import rejoin_host, reshape_cluster
from fleet.redis.keepers import Keepers
from fleet.redis.status import RedisStatus, status_of
from hosts import Target
from rediscluster import ClusterPlan, ClusterSettings, Profile, plan
from rediscluster.drive import RedisStopped
from rediscluster.remote import RemoteCluster
from tests.hosts.sshd import SSHD, SshServers
from tests.rediscluster.stand import Stand, until

pytestmark = pytest.mark.parts

HOSTS = ("nj", "sg", "ldn")
KEYS = "authorized_keys"
DOCKER = """\
#!/bin/sh
# 'docker exec -i CONTAINER COMMAND...' on a host whose container is the host itself.
[ -e "$KEEPER_SETTINGS" ] || { echo "Error response from daemon: No such container: $3" >&2; exit 1; }
shift 3
exec "$@"
"""


@dataclass
class Fleet:
    """Hosts that are reached by ssh, each with its keeper's container."""

    stand: Stand
    keepers: Keepers

    def cluster(self, cluster: ClusterPlan) -> RemoteCluster:
        return RemoteCluster(cluster, self.keepers.ask)

    def status(self, settings: ClusterSettings) -> RedisStatus:
        cluster = self.cluster(plan(settings))
        return status_of(settings, plan(settings), cluster.look(), cluster.reports)


@pytest.fixture
def fleet(stand: Stand, tmp_path: Path) -> Iterator[Fleet]:
    if not SSHD:
        pytest.skip("openssh-server is not installed")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    (programs / "python3").symlink_to(sys.executable)
    folder = tmp_path / "ssh"
    folder.mkdir()
    servers = SshServers(folder)
    targets: dict[str, Target] = {}
    login_key = authorized = ""
    for host in HOSTS:
        environment = {**stand.environment(host), "PATH": f"{programs}:{os.environ['PATH']}"}
        known = " ".join(f"{name}={environment[name]}" for name in ("PATH", "PYTHONPATH", "KEEPER_SETTINGS"))
        server = servers.start(f"SetEnv {known}")
        login_key, authorized = login_key or server.login_key, authorized or (server.folder / KEYS).read_text()
        (server.folder / KEYS).write_text(authorized)
        targets[host] = server.target
    with Keepers(targets, login_key) as keepers:
        yield Fleet(stand, keepers)
    servers.stop()


def test_status_tells_roles_slots_and_limits(fleet: Fleet) -> None:
    settings = formed(fleet)
    until(lambda: not fleet.status(settings).waiting, "nothing waits")
    status = fleet.status(settings)
    assert status.summary == "profile ha: 16384 of 16384 slots served by 3 masters"
    parts = {row.name: (row.part, row.slots) for row in status.rows}
    assert parts == {
        "nj:7001": ("master of nj", 5462),
        "sg:7001": ("master of sg", 5461),
        "ldn:7001": ("master of ldn", 5461),
        "sg:7002": ("replica of nj:7001", 0),
        "ldn:7002": ("replica of sg:7001", 0),
        "nj:7002": ("replica of ldn:7001", 0),
    }
    assert {row.behind for row in status.rows if row.slots == 0} == {"0 B"}
    assert not status.problems
    assert any("asynchronous" in limit for limit in status.limits)


def test_after_a_failover_status_says_how_to_undo_it_and_rejoin_does(fleet: Fleet) -> None:
    settings = formed(fleet)
    cluster = plan(settings)
    nj = cluster.shards[0]
    assert nj.spare is not None
    spare = nj.spare.endpoint
    fleet.stand.kill(nj.home.endpoint)
    until(lambda: fleet.stand.view(spare).myself.owns(nj.tag_slot), "the replica is promoted")
    until(
        lambda: any("nj:7001" in problem for problem in fleet.status(settings).problems), "the host says what it lacks"
    )
    with pytest.raises(RedisStopped, match="nj:7001 does not answer"):
        rejoin_host(cluster, fleet.cluster(cluster), "nj", False, lambda line: None)
    fleet.stand.start_instance(nj.home)
    until(lambda: any("fleet redis rejoin nj" in note for note in fleet.status(settings).notes), "it is a replica now")
    said: list[str] = []
    rejoin_host(cluster, fleet.cluster(cluster), "nj", False, said.append)
    assert "nj:7001 takes its shard over" in said
    assert fleet.stand.view(nj.home.endpoint).myself.owns(nj.tag_slot)


def test_a_reshape_waits_until_every_host_has_the_release_of_the_new_members(fleet: Fleet) -> None:
    formed(fleet)
    other = plan(fleet.stand.settings("sg", "ldn", "nj"))
    with pytest.raises(RedisStopped, match="no keeper follows the configured members there yet: fleet up"):
        reshape_cluster(other, fleet.cluster(other), lambda line: None)


def test_hosts_that_do_not_stand_or_run_no_keeper_are_named(fleet: Fleet) -> None:
    settings = fleet.stand.settings("nj", "sg", "chi")
    status = fleet.status(settings)
    assert {row.part for row in status.rows if row.name.startswith("chi:")} == {"chi does not stand: fleet up chi"}
    [nj] = {row.part for row in status.rows if row.name.startswith("nj:")}
    assert nj.startswith("nj: no keeper answers there (Error response from daemon: No such container")
    assert "nj: its keeper does not answer" in status.problems


@pytest.mark.parametrize("members", [(), ("nj", "sg")])
def test_too_few_members_are_no_cluster_and_status_says_so(stand: Stand, members: tuple[str, ...]) -> None:
    settings = stand.settings(*members)
    status = status_of(settings, plan(settings), {}, {})
    assert status.summary.startswith(f"no cluster: it takes 3 members, configured are {len(members)}")
    assert "local instance" in status.summary


def test_spec_prints_its_limits(stand: Stand) -> None:
    settings = stand.settings(*HOSTS, profile=Profile.SPEC)
    status = status_of(settings, plan(settings), {}, {})
    assert any("no failover" in limit for limit in status.limits)


def formed(fleet: Fleet) -> ClusterSettings:
    settings = fleet.stand.settings(*HOSTS)
    fleet.stand.start(settings, *HOSTS)
    until(lambda: fleet.stand.formed(plan(settings)), "the cluster stands")
    return settings
