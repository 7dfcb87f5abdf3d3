"""Looking, planning and acting in turns until a running cluster is where it shall be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from rediscluster.keeper.view import View
from rediscluster.steps import Blocked, Command, Done, Farewell, Move, Step, Wait

PATIENCE_SECONDS = 180.0
"""How long the same reason may be waited for: a replica may have to be filled across an ocean."""
PAUSE_SECONDS = 1.0


class RedisStopped(Exception):
    """A change of the cluster could not go on; the cluster works as it is, and the same command goes on from there."""


class Cluster(Protocol):
    """A running cluster, as an operator reaches it."""

    def look(self) -> Mapping[str, View]:
        """Every instance, each as it answers just now."""

    def command(self, at: str, words: tuple[str, ...]) -> None:
        """One command for one instance.

        Raises:
            RedisStopped: it was refused, or there is no way to it.
        """

    def move(self, source: str, target: str, slots: tuple[int, ...]) -> int:
        """Give slots away; returns the number of keys that went along.

        Raises:
            RedisStopped: as ``command``.
        """


def drive(
    cluster: Cluster,
    plan_next: Callable[[Mapping[str, View]], Step],
    progress: Callable[[str], None],
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Take steps until there are none.

    Raises:
        RedisStopped: a step was refused, somebody has to do something first, or one thing was waited for too long.
    """
    last: Step = Done()
    since = time.monotonic()
    while True:
        step = plan_next(cluster.look())
        if isinstance(step, Done):
            return
        if isinstance(step, Blocked):
            raise RedisStopped(step.reason)
        if step != last:
            last, since = step, time.monotonic()
            progress(f"waiting: {step.reason}" if isinstance(step, Wait) else str(step))
        else:
            # Waited for, or done and not yet seen: Redis answers before a failover has come about.
            if time.monotonic() - since > patience_seconds:
                what = step.reason if isinstance(step, Wait) else str(step)
                raise RedisStopped(f"tried for {patience_seconds:.0f} s in vain: {what}")
            time.sleep(PAUSE_SECONDS)
        if not isinstance(step, Wait):
            _take(cluster, step, progress)


def _take(cluster: Cluster, step: Move | Command | Farewell, progress: Callable[[str], None]) -> None:
    if isinstance(step, Move):
        keys = cluster.move(step.source, step.target, step.slots)
        if keys:
            progress(f"{keys} keys went along")
    elif isinstance(step, Command):
        _order(cluster, step)
    else:
        if step.endpoint:
            cluster.command(step.endpoint, ("CLUSTER", "RESET", "HARD"))
        for teller in step.tellers:
            _forget(cluster, teller, step.node_id)


def _order(cluster: Cluster, step: Command) -> None:
    try:
        cluster.command(step.at, step.words)
    except RedisStopped as refused:
        # Since it was looked at, the instance heard of slots' former owner from another one: the next look finds that.
        if "is already busy" not in str(refused):
            raise


def _forget(cluster: Cluster, teller: str, node_id: str) -> None:
    try:
        cluster.command(teller, ("CLUSTER", "FORGET", node_id))
    except RedisStopped as refused:
        # Since Redis 7.2 who is told to forget tells the others: it may have been done by now.
        if "Unknown node" not in str(refused):
            raise
