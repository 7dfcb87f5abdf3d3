"""How much memory a host has, by which its bundles' limits are chosen."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ExistingHost, service_of

MB_PER_GB = 1000
GUEST_MEMORY_MB = 16_000
"""Of an existing host that does not say its memory: what the specification gives the hub."""


def host_memory_mb(configuration: Configuration, ref: HostRef) -> int:
    """The memory of a host, in megabytes."""
    host = ref.host
    if isinstance(host, ExistingHost):
        return host.memory_gb * MB_PER_GB if host.memory_gb else GUEST_MEMORY_MB
    size = configuration.catalogue.plan(service_of(host), host.plan)
    assert size is not None, f"{ref.id}: the plan was checked when the configuration was read"
    return int(size.memory_gb * MB_PER_GB)
