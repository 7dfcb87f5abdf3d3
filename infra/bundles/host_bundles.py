"""Which bundles run on a host, as releases, and what they open inside the mesh."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import MAIN, ExistingHost, service_of
from fleet.secrets import Vault
from hosts.release import Release
from infra.bundles import questdb, redis
from infra.mesh_ports import MeshPort
from rediscluster import ClusterPlan, ClusterSettings, Profile, plan

GUEST_MEMORY_MB = 16_000
"""Of a host whose size no price list knows: what the specification gives the hub."""


def releases_of(configuration: Configuration, ref: HostRef, vault: Vault) -> tuple[Release, ...]:
    """The releases of a host, each after those that it reads from. Hosts beside a region's main one run none.

    Raises:
        ImageNotPinned: an image has no digest; names the command that finds it out.
    """
    if ref.host.name != MAIN:
        return ()
    return (_questdb(configuration, ref, vault), _redis(configuration, ref, vault))


def mesh_ports(configuration: Configuration, ref: HostRef) -> tuple[MeshPort, ...]:
    """What a host's bundles open inside the mesh."""
    if ref.host.name != MAIN:
        return ()
    hub = _main_of(configuration, configuration.fleet.hub)
    return (
        *questdb.mesh_ports(hub.mesh_address, is_primary=ref.region == hub.region),
        *map(MeshPort, redis.mesh_ports(_cluster(configuration), ref.id)),
    )


def _questdb(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    memory = questdb.memory_of(_memory_mb(configuration, ref))
    if ref.region != configuration.fleet.hub:
        return questdb.replica_release(ref.mesh_address, configuration.images, memory, vault)
    replicas = tuple(
        questdb.Replica(other.id, other.mesh_address)
        for other in configuration.hosts()
        if other.host.name == MAIN and other.region != ref.region
    )
    return questdb.primary_release(ref.mesh_address, replicas, configuration.images, memory, vault)


def _redis(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    memory = redis.memory_of(_memory_mb(configuration, ref))
    return redis.redis_release(_cluster(configuration), ref.id, configuration.images, memory, vault)


def _cluster(configuration: Configuration) -> ClusterPlan:
    return plan(ClusterSettings(Profile.HA, members=()))


def _main_of(configuration: Configuration, region: str) -> HostRef:
    return next(ref for ref in configuration.hosts_of(region) if ref.host.name == MAIN)


def _memory_mb(configuration: Configuration, ref: HostRef) -> int:
    if isinstance(ref.host, ExistingHost):
        return GUEST_MEMORY_MB
    size = configuration.catalogue.plan(service_of(ref.host), ref.host.plan)
    assert size is not None, f"{ref.id}: the plan was checked when the configuration was read"
    return int(size.memory_gb * 1000)
