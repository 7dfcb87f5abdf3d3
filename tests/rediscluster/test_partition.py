"""A network that is divided while the cluster is being formed: one cluster comes of it, never two.

Everything runs in a network namespace of the test's own. Each side has its own user, by which nftables tells who may
speak to whom; the test itself (root) sees both.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rediscluster import ClusterPlan, plan
from tests.rediscluster.stand import Stand, needs_redis, until

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="dividing a network needs root and nft"),
]

HOSTS = ("nj", "sg", "ldn")
CLONE_NEWNET = 0x40000000  # linux/sched.h
SIDES = {"nj": 10001, "sg": 10001, "ldn": 10002}


@pytest.fixture
def network() -> Iterator[None]:
    """This thread, and every process that it starts, in a network of nothing but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        os.close(outside)
        pytest.skip(f"no network namespace here: {os.strerror(ctypes.get_errno())}")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        assert libc.setns(outside, CLONE_NEWNET) == 0
        os.close(outside)


@pytest.fixture
def divided_stand(network: None, tmp_path: Path) -> Iterator[Stand]:
    needs_redis()
    stand = Stand(tmp_path, block=77, users=SIDES)
    yield stand
    stand.close()


def divide(stand: Stand) -> None:
    """From here on ldn hears nothing of the others, nor they of it."""
    far = f"{stand.member('ldn').mesh_address}"
    near = ", ".join(str(stand.member(host).mesh_address) for host in ("nj", "sg"))
    rules = f"""
        table ip divided {{
            chain output {{
                type filter hook output priority filter
                meta skuid {SIDES["nj"]} ip daddr {far} drop
                meta skuid {SIDES["ldn"]} ip daddr {{ {near} }} drop
            }}
        }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def heal() -> None:
    subprocess.run(["nft", "delete", "table", "ip", "divided"], check=True)


def anybody_met(stand: Stand, cluster: ClusterPlan) -> bool:
    return any(len(stand.view(one.endpoint).nodes) > 1 for one in cluster.instances)


def everybody_met(stand: Stand, cluster: ClusterPlan) -> bool:
    return all(len(stand.view(one.endpoint).nodes) == len(cluster.instances) for one in cluster.instances)


def anybody_has_slots(stand: Stand, cluster: ClusterPlan) -> bool:
    return any(stand.view(one.endpoint).myself.slots for one in cluster.instances)


def at_once(stand: Stand, cluster: ClusterPlan) -> bool:
    return True


@pytest.mark.parametrize("moment", [at_once, anybody_met, everybody_met, anybody_has_slots])
def test_one_cluster_comes_of_two_halves(divided_stand: Stand, moment: Callable[[Stand, ClusterPlan], bool]) -> None:
    stand = divided_stand
    settings = stand.settings(*HOSTS)
    cluster = plan(settings)
    if moment is at_once:
        divide(stand)
    stand.start(settings, *HOSTS)
    until(lambda: moment(stand, cluster), moment.__name__)
    if moment is not at_once:
        divide(stand)
    until(lambda: cut_off(stand, "nj", "ldn") and cut_off(stand, "ldn", "sg"), "the halves miss each other")
    assert stand.reports(HOSTS, "waiting"), "and wait, each green for its own host"
    claims = [slot for one in cluster.instances for slot in claimed(stand, one.endpoint)]
    assert len(claims) == len(set(claims)), "no slot is claimed twice, whatever each half did by itself"
    ids = {stand.view(one.endpoint).id for one in cluster.instances}
    heal()
    until(lambda: stand.formed(cluster), "one cluster of all")
    for one in cluster.instances:
        assert {node.id for node in stand.view(one.endpoint).nodes} == ids
    for shard in cluster.shards:
        assert stand.view(shard.home.endpoint).myself.ranges == shard.ranges


def cut_off(stand: Stand, host: str, other: str) -> bool:
    return f"{other}:7001 does not answer" in stand.keeper(host, "gate").stdout.decode()


def claimed(stand: Stand, endpoint: str) -> list[int]:
    return [slot for first, last in stand.view(endpoint).myself.ranges for slot in range(first, last + 1)]
