"""Memory of a host's containers, in megabytes: what each may take, by the size of the host, and whether it all fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.model.bundles import HUB, QUESTDB, REDIS

HOST_RESERVE_MB = 600
"""Left to Debian, Docker, sshd and WireGuard."""

GUEST_MEMORY_MB = 16_000
"""Of an existing host that does not say its memory: what the specification gives the hub."""


@dataclass(frozen=True)
class MemoryProfile:
    """The limit of each container, megabytes."""

    questdb: int
    shipper: int
    redis_instance: int
    redis_local: int
    keeper: int
    services: Mapping[str, int]
    """Of the platform's services by name; ``sidecar`` of a venue's own process."""


PROFILES: tuple[tuple[int, MemoryProfile], ...] = (
    (
        6_000,
        MemoryProfile(
            questdb=1024,
            shipper=128,
            redis_instance=272,
            redis_local=160,
            keeper=64,
            services={"trading-service": 384, "data-service": 384, "sidecar": 640, "api-gateway": 256},
        ),
    ),
    (
        12_000,
        MemoryProfile(
            questdb=2048,
            shipper=128,
            redis_instance=835,
            redis_local=304,
            keeper=64,
            services={"trading-service": 768, "data-service": 768, "sidecar": 1024, "api-gateway": 384},
        ),
    ),
    (
        1 << 62,
        MemoryProfile(
            questdb=6144,
            shipper=128,
            redis_instance=1654,
            redis_local=592,
            keeper=64,
            services={
                "trading-service": 1024,
                "data-service": 768,
                "sidecar": 1024,
                "api-gateway": 512,
                "ml-service": 1024,
                "backtesting-service": 768,
                "backtesting-py": 1024,
                "frontend": 128,
            },
        ),
    ),
)
"""By the host's memory, up to: hosts of 4, of 8, of 16 GB and more. Those of QuestDB and Redis are the sums that their
bundles render (a test compares)."""

HUB_SERVICES = ("api-gateway", "ml-service", "backtesting-service", "backtesting-py", "frontend")
"""Of the bundle ``hub``, beside its data service. They need a host of 16 GB."""

SMALLEST_SERVICE_MB = 512
"""Of a service for which a profile has no figure of its own: a hub on a small host."""


def memory_profile(host_mb: int) -> MemoryProfile:
    """The profile of a host with so much memory."""
    return next(profile for limit, profile in PROFILES if host_mb <= limit)


def service_limit_mb(host_mb: int, service: str) -> int:
    """The limit of one of the platform's services, or of a ``sidecar``."""
    return memory_profile(host_mb).services.get(service, SMALLEST_SERVICE_MB)


@dataclass(frozen=True)
class Load:
    """What a host is to run, as far as memory goes."""

    bundles: tuple[str, ...]
    services: tuple[str, ...]
    """The platform's, and ``sidecar`` once for each."""
    redis_instances: int = 0
    """Of the cluster, on this host."""
    smallest_member_mb: int = 0
    """Memory of the smallest host in the cluster: all instances are of the size that fits it."""
    shippers: int = 0


def services_of(bundles: tuple[str, ...], sidecars: int) -> tuple[str, ...]:
    """The services of a region's bundles. Both ``data`` and ``hub`` have a data service; a host has one of them."""
    found = ["trading-service"] if "trading" in bundles else []
    found += ["data-service"] if "data" in bundles or HUB in bundles else []
    found += HUB_SERVICES if HUB in bundles else ()
    return (*found, *["sidecar"] * sidecars)


def total_mb(host_mb: int, load: Load) -> int:
    """The sum of all limits of a host's containers."""
    profile = memory_profile(host_mb)
    total = sum(service_limit_mb(host_mb, service) for service in load.services)
    if QUESTDB in load.bundles:
        total += profile.questdb + load.shippers * profile.shipper
    if REDIS in load.bundles:
        total += profile.redis_local
        if load.redis_instances:
            total += load.redis_instances * memory_profile(load.smallest_member_mb).redis_instance + profile.keeper
    return total
