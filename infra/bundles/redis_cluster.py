"""The Redis cluster over the regions, out of the fleet's configuration."""

from __future__ import annotations

from fleet.configuration import Configuration
from fleet.model.stack import MAIN
from rediscluster import ClusterSettings, Member, Profile


def cluster_settings(configuration: Configuration) -> ClusterSettings:
    """The cluster as configured: its members are the main hosts of the regions that ``fleet.yaml`` names."""
    redis = configuration.fleet.redis
    return ClusterSettings(
        Profile(redis.profile),
        members=tuple(_member(configuration, region) for region in redis.members),
        leaving=tuple(_member(configuration, region) for region in redis.leaving),
    )


def _member(configuration: Configuration, region: str) -> Member:
    main = next(ref for ref in configuration.hosts_of(region) if ref.host.name == MAIN)
    return Member(region, main.id, main.mesh_address)
