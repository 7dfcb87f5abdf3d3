"""``fleet redis``: how the cluster is, bring a host back to its place, change its members."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.redis.status import RedisStatus
    from rediscluster import ClusterPlan
    from rediscluster.remote import RemoteCluster

app = typer.Typer(name="redis", help="Redis across the regions.", no_args_is_help=True)


@app.command()
def status(root: Root = None, json: Json = False) -> None:
    """Members, roles, slots, lag, what waits, and what the profile does not do. Exit code 1 if somebody has to act."""
    from fleet.redis.status import status_of
    from infra.bundles.redis_cluster import cluster_settings

    context = Context(root)
    with reached(context) as (plan, cluster):
        views = cluster.look()
        found = status_of(cluster_settings(context.configuration), plan, views, cluster.reports)
    tell(found, json)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def rejoin(
    host: Annotated[str, typer.Argument(help="The member to bring back to its place.")],
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Slots whose keys nobody has any more are given out empty.")
    ] = False,
    root: Root = None,
) -> None:
    """Give a returned member its own slots again. Killed half-way, the same command goes on."""
    from fleet.redis.change import rejoin_host

    with reached(Context(root)) as (plan, cluster):
        rejoin_host(plan, cluster, host, accept_loss, lambda line: progress("redis", line))


@app.command()
def reshape(root: Root = None) -> None:
    """Bring the running cluster to the members in fleet.yaml, live. Killed half-way, the same command goes on."""
    from fleet.redis.change import reshape_cluster

    with reached(Context(root)) as (plan, cluster):
        reshape_cluster(plan, cluster, lambda line: progress("redis", line))


@contextmanager
def reached(context: Context) -> Iterator[tuple[ClusterPlan, RemoteCluster]]:
    """The configured cluster, and the way to the running one."""
    from fleet.redis.keepers import Keepers
    from infra.bundles.redis_cluster import cluster_settings
    from infra.first_boot import DEPLOY_PATH
    from rediscluster import plan
    from rediscluster.remote import RemoteCluster

    cluster = plan(cluster_settings(context.configuration))
    targets = {host.ref.id: host.target for host in context.hosts}
    with Keepers(targets, context.vault.ed25519_private(*DEPLOY_PATH)) as keepers:
        yield cluster, RemoteCluster(cluster, keepers.ask)


def tell(found: RedisStatus, json: bool) -> None:
    """Print the cluster's status."""
    if json:
        print_json(asdict(found))
        return
    rows = [(row.name, row.part, row.slots, row.keys, row.behind, row.memory) for row in found.rows]
    if rows:
        print_table("Redis", ("instance", "part", "slots", "keys", "behind", "memory"), rows)
    print(found.summary)
    for line in (*found.waiting, *found.notes):
        print(f"  {line}")
    for line in found.limits:
        print(f"  limit: {line}")
    for line in found.problems:
        print(f"problem: {line}", file=sys.stderr)
