"""The bundle ``redis``: on every host a local instance; on a member of the cluster its instances and their keeper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources

from fleet.model.images import Images, version_of
from fleet.model.ports import REDIS_BUS_OFFSET, REDIS_KEEPER, REDIS_LOCAL
from fleet.secrets import Vault
from hosts.release import COMPOSE_FILE, Check, Gate, Release, ReleaseFile
from rediscluster import ClusterPlan, Instance
from rediscluster.document import ADMIN, keeper_document
from templates.render import render

BUNDLE = "redis"
PROJECT = "fleet-redis"
LOCAL_SERVICE = "redis-local"
KEEPER_SERVICE = "keeper"

REDIS_UID = 999
"""Of the upstream image, which owns its ``/data``: a new volume takes that owner over."""
KEEPER_UID = 10071
"""Any that nobody else has: the keeper writes nothing."""

KEEPER_LIMIT_MB = 64
"""Its container: a Python without libraries and a health check beside it, each about 20 MB."""

GATE_PATIENCE_SECONDS = 20
"""How long the gate's check waits for this host's own instances to have read their data."""


@dataclass(frozen=True)
class RedisMemory:
    """What a host gives to Redis: megabytes of keys and values, for each instance."""

    cluster_mb: int
    local_mb: int

    @property
    def backlog_mb(self) -> int:
        """What a replica may miss without being filled anew: a tenth of the data, at least 16 MB."""
        return max(16, self.cluster_mb // 10)

    @property
    def cluster_limit_mb(self) -> int:
        """Of a cluster instance's container."""
        return _limit(self.cluster_mb) + self.backlog_mb

    @property
    def local_limit_mb(self) -> int:
        """Of the local instance's container."""
        return _limit(self.local_mb)

    def total_mb(self, instances: int) -> int:
        """The sum of all limits of the bundle, with so many cluster instances."""
        keeper = KEEPER_LIMIT_MB if instances else 0
        return self.local_limit_mb + instances * self.cluster_limit_mb + keeper


def _limit(data_mb: int) -> int:
    """Room for the data, half of it again while the append-only file is rewritten by a fork, and the process itself."""
    return data_mb + data_mb // 2 + 16


PROFILES = ((6_000, RedisMemory(160, 96)), (12_000, RedisMemory(512, 192)), (1 << 62, RedisMemory(1024, 384)))
"""By the host's memory in megabytes, up to: hosts of 4, of 8, of 16 GB and more."""


def memory_of(host_mb: int, smallest_member_mb: int) -> RedisMemory:
    """What a host with so much memory gives, where the smallest member of the cluster has so much.

    An instance may be filled by a master on another host (Redis does not hold a replica to its own limit), and takes
    that master's place. So all instances of a cluster are of one size, which fits the smallest of its hosts.
    """
    return replace(_profile(host_mb), cluster_mb=_profile(smallest_member_mb).cluster_mb)


def _profile(host_mb: int) -> RedisMemory:
    return next(profile for limit, profile in PROFILES if host_mb <= limit)


def password_reference(user: str, vault: Vault) -> str:
    """The reference to the password of ``admin``, ``repl``, ``app`` or ``exporter``."""
    return vault.reference("password", "redis", user)


def local_connection(vault: Vault) -> str:
    """How this host's containers reach the local instance, in the notation of the platform's services."""
    return f"{LOCAL_SERVICE}:{REDIS_LOCAL},user=app,password={password_reference('app', vault)}"


def cluster_connection(cluster: ClusterPlan, vault: Vault) -> str:
    """How services reach the cluster, in the same notation; empty where there is none."""
    if not cluster.shards:
        return ""
    endpoints = ",".join(shard.home.endpoint for shard in cluster.shards)
    return f"{endpoints},user=app,password={password_reference('app', vault)}"


def mesh_ports(cluster: ClusterPlan, host_id: str) -> tuple[int, ...]:
    """TCP ports that a member's firewall opens inside the mesh: its instances, for clients and for each other."""
    ports = [one.port for one in cluster.instances_on(host_id)]
    return (*ports, *(port + REDIS_BUS_OFFSET for port in ports))


def redis_release(cluster: ClusterPlan, host_id: str, images: Images, memory: RedisMemory, vault: Vault) -> Release:
    """The bundle of one host.

    Raises:
        ImageNotPinned: an image has no digest.
    """
    own = cluster.instances_on(host_id)
    redis_image = images.pinned("redis")
    compose = render(
        "bundles/redis/compose.yaml.j2",
        redis_image=redis_image,
        redis_uid=REDIS_UID,
        local_port=REDIS_LOCAL,
        local_limit_mb=memory.local_limit_mb,
        cluster_ports=[one.port for one in own],
        cluster_limit_mb=memory.cluster_limit_mb,
        python_image=images.pinned("python") if own else "",
        keeper_uid=KEEPER_UID,
        keeper_limit_mb=KEEPER_LIMIT_MB,
    )
    files = [ReleaseFile(COMPOSE_FILE, compose), *_local_files(memory, vault)]
    checks = [Check("local instance takes a write", LOCAL_SERVICE, _LOCAL_WRITE)]
    if own:
        files += [*_cluster_files(cluster, own, memory, vault), *_keeper_files(cluster, host_id, own, vault)]
        gate = ("python3", "-B", "-m", "keeper", "gate", str(GATE_PATIENCE_SECONDS))
        checks.append(Check("cluster", KEEPER_SERVICE, gate))
    return Release(
        bundle=BUNDLE,
        files=tuple(files),
        images=(redis_image, images.pinned("python")) if own else (redis_image,),
        gate=Gate(checks=tuple(checks)),
        data_versions={"redis": version_of(redis_image)},
        before_data_change=tuple(
            Check("copy of the data", service, ("sh", "-c", _COPY))
            for service in (LOCAL_SERVICE, *(f"cluster-{instance.port}" for instance in own))
        ),
    )


_COPY = """set -eu; cd /data
for try in 1 2 3 4 5; do
  rm -rf before.new; mkdir before.new
  cp -a appendonlydir before.new/ 2>/dev/null || continue
  if [ -e nodes.conf ]; then cp -a nodes.conf before.new/; fi
  # A rewrite of the log meanwhile would leave parts of two generations: then once more.
  a=$(cat before.new/appendonlydir/*.manifest); b=$(cat appendonlydir/*.manifest)
  if [ "$a" = "$b" ]; then sync; rm -rf before-change; mv before.new before-change; exit 0; fi
done
echo "the log was rewritten during each of five copies"; exit 1"""
"""What an instance has, beside it on its volume: the append-only file in all its parts, and what it knows of the
cluster."""

_LOCAL_WRITE = (
    "sh",
    "-c",
    'REDISCLI_AUTH="$(cat /etc/fleet-redis/app.password)" exec redis-cli -e --user app SET fleet:gate open EX 60',
)


def _local_files(memory: RedisMemory, vault: Vault) -> Iterator[ReleaseFile]:
    users = {f"{user}_sha256": vault.reference("passwordsha256", "redis", user) for user in (ADMIN, "app", "exporter")}
    conf = render("bundles/redis/local.conf.j2", port=REDIS_LOCAL, maxmemory_mb=memory.local_mb)
    yield ReleaseFile("local.conf", conf)
    yield _secret("local-users.acl", render("bundles/redis/local-users.acl.j2", **users), REDIS_UID)
    yield _secret("app.password", password_reference("app", vault), REDIS_UID)


def _cluster_files(
    cluster: ClusterPlan, own: tuple[Instance, ...], memory: RedisMemory, vault: Vault
) -> Iterator[ReleaseFile]:
    names = {"admin": ADMIN, "replication": "repl", "app": "app", "exporter": "exporter"}
    users = {f"{name}_sha256": vault.reference("passwordsha256", "redis", user) for name, user in names.items()}
    yield _secret("cluster-users.acl", render("bundles/redis/users.acl.j2", **users), REDIS_UID)
    for instance in own:
        conf = render(
            "bundles/redis/cluster.conf.j2",
            address=instance.address,
            port=instance.port,
            bus_port=instance.port + REDIS_BUS_OFFSET,
            node_timeout_ms=cluster.node_timeout_ms,
            backlog_mb=memory.backlog_mb,
            maxmemory_mb=memory.cluster_mb,
            replication_password=password_reference("repl", vault),
        )
        yield _secret(f"cluster-{instance.port}.conf", conf, REDIS_UID)


def _keeper_files(cluster: ClusterPlan, host_id: str, own: tuple[Instance, ...], vault: Vault) -> Iterator[ReleaseFile]:
    listen = ("127.0.0.1", own[0].address)
    document = keeper_document(cluster, host_id, listen=listen, port=REDIS_KEEPER)
    yield ReleaseFile("settings/keeper.json", json.dumps(document, indent=2) + "\n")
    yield _secret(f"settings/{document['password_file']}", password_reference(ADMIN, vault), KEEPER_UID)
    for module in sorted(resources.files("rediscluster.keeper").iterdir(), key=lambda item: item.name):
        if module.name.endswith(".py"):
            yield ReleaseFile(f"keeper/{module.name}", module.read_text(encoding="utf-8"))


def _secret(path: str, content: str, uid: int) -> ReleaseFile:
    return ReleaseFile(path, content, mode=0o400, uid=uid)
