"""The keeper's file for one host, out of the plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from rediscluster.plan import ClusterPlan

ADMIN = "admin"
"""The user as which the keeper works."""

INTERVAL_SECONDS = 2.0
"""Between two rounds of a keeper: each is a few hundred bytes to every instance."""
TIMEOUT_SECONDS = 3.0
"""Of a connection or an answer: several round trips of the longest path."""


def plan_digest(plan: ClusterPlan) -> str:
    """A name of the plan: keepers that show the same one have the same plan."""
    text = json.dumps([_shards(plan), [one.endpoint for one in plan.leaving]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def keeper_document(plan: ClusterPlan, host_id: str, *, listen: Sequence[str], port: int) -> dict[str, Any]:
    """The settings of one host's keeper (``rediscluster.keeper.settings``); the password stands in a file of its own.

    Args:
        listen: addresses of its port; the first one is asked by its own checks.
    """
    return {
        "host": host_id,
        "plan": plan_digest(plan),
        "own": [one.endpoint for one in plan.instances_on(host_id)],
        "shards": _shards(plan),
        "leaving": [one.endpoint for one in plan.leaving],
        "names": {one.endpoint: one.host_id for one in (*plan.instances, *plan.leaving)},
        "user": ADMIN,
        "password_file": "password",
        "listen": list(listen),
        "port": port,
        "interval_seconds": INTERVAL_SECONDS,
        "timeout_seconds": TIMEOUT_SECONDS,
    }


def _shards(plan: ClusterPlan) -> list[dict[str, Any]]:
    return [
        {
            "region": shard.region,
            "tag_slot": shard.tag_slot,
            "home": shard.home.endpoint,
            "spare": shard.spare.endpoint if shard.spare else "",
            "ranges": [list(pair) for pair in shard.ranges],
        }
        for shard in plan.shards
    ]
