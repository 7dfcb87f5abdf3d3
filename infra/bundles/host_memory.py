"""How much memory a host has, by which its bundles' limits are chosen."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.memory import GUEST_MEMORY_MB
from fleet.model.stack import MAIN, ExistingHost, service_of
from infra.bundles.redis import RedisMemory, memory_of

MB_PER_GB = 1000


def host_memory_mb(configuration: Configuration, ref: HostRef) -> int:
    """The memory of a host, in megabytes."""
    host = ref.host
    if isinstance(host, ExistingHost):
        return host.memory_gb * MB_PER_GB if host.memory_gb else GUEST_MEMORY_MB
    size = configuration.catalogue.plan(service_of(host), host.plan)
    assert size is not None, f"{ref.id}: the plan was checked when the configuration was read"
    return int(size.memory_gb * MB_PER_GB)


def redis_memory(configuration: Configuration, ref: HostRef) -> RedisMemory:
    """What a host gives to Redis, the smallest member of the cluster considered."""
    settings = configuration.fleet.redis
    members = [
        member
        for region in (*settings.members, *settings.leaving)
        for member in configuration.hosts_of(region)
        if member.host.name == MAIN
    ]
    smallest_mb = min(host_memory_mb(configuration, member) for member in members or [ref])
    return memory_of(host_memory_mb(configuration, ref), smallest_mb)
