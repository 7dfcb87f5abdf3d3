"""The ports of what runs on the fleet's hosts: each stands here once, for bundles, firewalls and checks."""

from __future__ import annotations

QUESTDB_SQL = 8812
"""PostgreSQL's wire protocol; the only port of QuestDB that clients use."""
QUESTDB_HTTP = 9000
"""REST and ILP over HTTP: for the fleet's own shipper."""
QUESTDB_METRICS = 9003
"""Health and metrics."""

REDIS_LOCAL = 6379
"""The local instance that is no part of the cluster: this host's containers only."""
REDIS_CLUSTER = (7001, 7002)
"""The host's instances of the cluster: the second one exists in the profile ``ha``."""
REDIS_BUS_OFFSET = 10000
"""A cluster instance's bus is at its port plus this (Redis' own rule)."""
REDIS_KEEPER = 7009
"""Status and metrics of the cluster's keeper."""

API_GATEWAY = 5000
TRADING = 5001
DATA = 5002
BACKTESTING = 5003
BACKTESTING_PYTHON = 8000
ML = 8001
