"""Names of the bundles that a region may run, and which ones it runs where its file names none."""

from __future__ import annotations

QUESTDB = "questdb"
REDIS = "redis"
TRADING = "trading"
DATA = "data"
HUB = "hub"

BUNDLES = (QUESTDB, REDIS, TRADING, DATA, HUB)
"""In the order in which they start: each after those that it reads from."""


def default_bundles(is_hub: bool) -> tuple[str, ...]:
    """Of the hub: the platform's centre beside the primary. Of any other region: replica, Redis, trading and data."""
    return (QUESTDB, REDIS, HUB) if is_hub else (QUESTDB, REDIS, TRADING, DATA)
