"""Changing a running cluster: other members, or a member brought back to its place."""

from __future__ import annotations

from collections.abc import Callable

from rediscluster import ClusterPlan, rejoin, reshape
from rediscluster.document import plan_digest
from rediscluster.drive import RedisStopped, drive
from rediscluster.remote import RemoteCluster


def reshape_cluster(plan: ClusterPlan, cluster: RemoteCluster, progress: Callable[[str], None]) -> None:
    """Bring the running cluster to the configured members, live; killed, the same call goes on.

    Raises:
        RedisStopped: a host runs the release of other members, or a step could not be taken; the cluster
            works as it is.
    """
    if plan.shards:
        _same_plan_everywhere(plan, cluster)
    drive(cluster, lambda views: reshape.next_step(plan, views), progress)
    for host in dict.fromkeys(one.host_id for one in plan.leaving):
        progress(f"{host} has left: take it off redis.leaving in fleet.yaml, then fleet up {host}")


def rejoin_host(
    plan: ClusterPlan, cluster: RemoteCluster, host: str, accept_loss: bool, progress: Callable[[str], None]
) -> None:
    """Bring a host back to its place in the cluster.

    Args:
        accept_loss: slots whose keys nobody has any more are given out empty.

    Raises:
        RedisStopped: a step could not be taken, or loss would have to be accepted first.
    """
    drive(cluster, lambda views: rejoin.next_step(plan, views, host, accept_loss), progress)


def _same_plan_everywhere(plan: ClusterPlan, cluster: RemoteCluster) -> None:
    """A keeper that still follows other members would bring back whom we send away."""
    cluster.look()
    silent = [host for host, report in cluster.reports.items() if not report]
    others = [host for host, report in cluster.reports.items() if report and report["plan"] != plan_digest(plan)]
    leaving = {one.host_id for one in plan.leaving}
    missing = [host for host in (*silent, *others) if host not in leaving or host in others]
    if missing:
        raise RedisStopped(
            f"{', '.join(missing)}: no keeper follows the configured members there yet: fleet up {' '.join(missing)}"
        )
