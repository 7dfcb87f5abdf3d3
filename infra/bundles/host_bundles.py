"""Which bundles run on a host, as releases, and what they open inside the mesh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from fleet.configuration import Configuration, HostRef
from fleet.model.bundles import BUNDLES, DATA, HUB, QUESTDB, REDIS, TRADING
from fleet.model.stack import MAIN
from fleet.secrets import Vault
from hosts.release import Release
from infra.bundles import hub, questdb, redis
from infra.bundles.data import data_release
from infra.bundles.host_memory import host_memory_mb, redis_memory
from infra.bundles.questdb_enterprise import Replication, Role
from infra.bundles.redis_cluster import cluster_settings
from infra.bundles.trading import trading_release
from infra.mesh_ports import MeshPort
from rediscluster import plan


def bundles_of(configuration: Configuration, ref: HostRef) -> tuple[str, ...]:
    """The bundles of a host, each after those that it reads from. Hosts beside a region's main one run none."""
    if ref.host.name != MAIN:
        return ()
    wanted = configuration.stacks[ref.region].bundles
    return tuple(bundle for bundle in BUNDLES if bundle in wanted)


def releases_of(configuration: Configuration, ref: HostRef, vault: Vault) -> tuple[Release, ...]:
    """The releases of a host, in the order of its bundles.

    Raises:
        ImageNotPinned: an image has no digest; names the command that finds it out.
        SecretError: a venue's credential is missing; names the command that sets it.
    """
    rendered = (RENDERERS[bundle](configuration, ref, vault) for bundle in bundles_of(configuration, ref))
    return tuple(replace(one, image_bytes=configuration.images.disk_bytes(one.images)) for one in rendered)


def mesh_ports(configuration: Configuration, ref: HostRef) -> tuple[MeshPort, ...]:
    """What a host's bundles open inside the mesh."""
    bundles = bundles_of(configuration, ref)
    opened: tuple[MeshPort, ...] = ()
    if QUESTDB in bundles:
        # QuestDB Enterprise replicates by itself: no host takes rows over HTTP.
        closed = configuration.fleet.questdb.enterprise is not None or ref.id == _primary(configuration).id
        opened += questdb.mesh_ports(_primary(configuration).mesh_address, closed)
    if REDIS in bundles:
        opened += tuple(map(MeshPort, redis.mesh_ports(plan(cluster_settings(configuration)), ref.id)))
    if HUB in bundles:
        opened += hub.mesh_ports()
    return opened


def _questdb(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    memory = questdb.memory_of(host_memory_mb(configuration, ref))
    enterprise = configuration.fleet.questdb.enterprise
    if enterprise is not None:
        role: Role = "primary" if ref.id == _primary(configuration).id else "replica"
        replication = Replication(role, configuration.fleet.name, ref.id, enterprise)
        return questdb.enterprise_release(ref.mesh_address, replication, configuration.images, memory, vault)
    if ref.id != _primary(configuration).id:
        return questdb.replica_release(ref.mesh_address, configuration.images, memory, vault)
    # Every replica of the configuration, opened or not: a shipper waits for its replica, and opening a region changes
    # nothing on the hub.
    replicas = tuple(
        questdb.Replica(other.id, other.mesh_address)
        for other in configuration.hosts()
        if other.id != ref.id and QUESTDB in bundles_of(configuration, other)
    )
    return questdb.primary_release(ref.mesh_address, replicas, configuration.images, memory, vault)


def _redis(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    memory = redis_memory(configuration, ref)
    return redis.redis_release(plan(cluster_settings(configuration)), ref.id, configuration.images, memory, vault)


def _primary(configuration: Configuration) -> HostRef:
    return next(ref for ref in configuration.hosts_of(configuration.fleet.hub) if ref.host.name == MAIN)


Renderer = Callable[[Configuration, HostRef, Vault], Release]

RENDERERS: Mapping[str, Renderer] = {
    QUESTDB: _questdb,
    REDIS: _redis,
    TRADING: trading_release,
    DATA: data_release,
    HUB: hub.hub_release,
}
