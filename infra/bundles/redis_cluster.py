"""The members of the Redis cluster, out of the fleet's configuration."""

from __future__ import annotations

from fleet.configuration import Configuration
from rediscluster import ClusterSettings, Profile


def cluster_settings(configuration: Configuration) -> ClusterSettings:
    """The cluster as configured. ``fleet.yaml`` names no members yet, so there is none."""
    return ClusterSettings(Profile.HA, members=())
