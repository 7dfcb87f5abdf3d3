"""The bundle ``questdb``: the primary on the hub with a shipper for each replica, a read replica elsewhere.

Clients know two logins of the SQL port: the reader's, which a replica's services get, and the writer's, which the
primary alone knows: every region's services hold it, and on a replica it must open nothing. What comes over HTTP needs
a third one, which only the shippers have, and which administers a replica, too; ILP over TCP is off, since it knows no
read-only user.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from ipaddress import IPv4Address

from fleet.model.images import Images, version_of
from fleet.model.ports import QUESTDB_HTTP, QUESTDB_METRICS, QUESTDB_SQL
from fleet.secrets import Vault
from hosts.release import COMPOSE_FILE, Check, Gate, PublishedPort, Release, ReleaseFile
from infra.bundles.questdb_enterprise import GUARD, STORE_FILE, Replication
from infra.mesh_ports import MeshPort
from shipper.settings import STATUS_PORT
from templates.render import render

BUNDLE = "questdb"
SERVICE = "questdb"
UID = 10001
"""Who QuestDB's own image runs as; the image's data folder, and so a new volume, is theirs."""

ROOT = "/var/lib/questdb"
SCRIPTS = "/etc/questdb"
SECRETS = "/run/secrets"
SHIPPER_CONFIG = "/etc/shipper/config.json"

PROJECT = "fleet-questdb"
VOLUME = "fleet-questdb_data"
CONTAINER = "fleet-questdb-questdb-1"
BACKUP = ("bash", f"{SCRIPTS}/backup.sh")
"""Run in the container: copies the whole database as of one moment into its own volume."""


def statement(user: str, sql: str) -> tuple[str, ...]:
    """The command on a host that runs one statement in its database, as ``WRITER`` or ``READER``."""
    return ("docker", "exec", CONTAINER, "bash", f"{SCRIPTS}/sql.sh", user, sql)


def shipper_container(replica: str) -> str:
    """The container of a replica's shipper, on the primary's host."""
    return f"fleet-questdb-shipper-{replica}-1"


WRITER = "writer"
READER = "reader"
HTTP_USER = "shipper"

SQL_SECONDS = 20
"""For one statement of a check."""

SHIPPER_LIMIT_MB = 128
"""A shipper's container."""

GATE_SECONDS = 180.0
"""Start of the JVM on a busy small host, and reading the tables' state of a large one."""


@dataclass(frozen=True)
class QuestdbMemory:
    """What a host gives to QuestDB: its container's limit and the JVM's heap, megabytes. Most of it is neither: columns
    are mapped files."""

    limit_mb: int
    heap_mb: int


PROFILES = ((6_000, QuestdbMemory(1024, 384)), (12_000, QuestdbMemory(2048, 768)), (1 << 62, QuestdbMemory(6144, 2048)))
"""By the host's memory in megabytes, up to: hosts of 4, of 8, of 16 GB and more."""


def memory_of(host_mb: int) -> QuestdbMemory:
    """The profile of a host with so much memory."""
    return next(profile for limit, profile in PROFILES if host_mb <= limit)


@dataclass(frozen=True)
class Replica:
    """A replica as its primary's shipper reaches it."""

    host_id: str
    mesh_address: IPv4Address


def password_reference(user: str, vault: Vault) -> str:
    """The reference to the password of ``WRITER``, ``READER`` or ``HTTP_USER``."""
    return vault.reference("password", "questdb", user)


def mesh_ports(primary: IPv4Address, is_primary: bool) -> tuple[MeshPort, ...]:
    """What a host with QuestDB opens inside the mesh. The replica's HTTP port is the primary's host's alone."""
    shared = (MeshPort(QUESTDB_SQL), MeshPort(QUESTDB_METRICS))
    return shared if is_primary else (*shared, MeshPort(QUESTDB_HTTP, sources=(str(primary),)))


def primary_release(
    address: IPv4Address, replicas: tuple[Replica, ...], images: Images, memory: QuestdbMemory, vault: Vault
) -> Release:
    """The primary and a shipper for each replica, beside it: an acknowledgement takes one way less than from afar."""
    return _release(address, (QUESTDB_SQL, QUESTDB_METRICS), replicas, None, images, memory, vault)


def replica_release(address: IPv4Address, images: Images, memory: QuestdbMemory, vault: Vault) -> Release:
    """A replica: the shipper writes to it over HTTP, its host's services read it as ``READER``."""
    return _release(address, (QUESTDB_SQL, QUESTDB_HTTP, QUESTDB_METRICS), (), None, images, memory, vault)


def enterprise_release(
    address: IPv4Address, replication: Replication, images: Images, memory: QuestdbMemory, vault: Vault
) -> Release:
    """A primary or replica of QuestDB Enterprise: it replicates by itself, so nobody writes over HTTP.

    Raises:
        SecretError: a credential of the object store is missing; names the command that sets it.
    """
    return _release(address, (QUESTDB_SQL, QUESTDB_METRICS), (), replication, images, memory, vault)


def _release(
    address: IPv4Address,
    ports: tuple[int, ...],
    replicas: tuple[Replica, ...],
    replication: Replication | None,
    images: Images,
    memory: QuestdbMemory,
    vault: Vault,
) -> Release:
    image = images.pinned("questdb")
    python_image = images.pinned("python") if replicas else ""
    published = tuple(PublishedPort(str(address), port) for port in ports)
    is_replica = QUESTDB_HTTP in ports
    administrator = HTTP_USER if is_replica else WRITER
    compose = render(
        "bundles/questdb/compose.yaml.j2",
        image=image,
        uid=UID,
        root=ROOT,
        is_replica=is_replica,
        entrypoint=replication.entrypoint(SCRIPTS, ROOT) if replication else (),
        replication=replication.environment(SECRETS) if replication else {},
        scripts=SCRIPTS,
        secrets=SECRETS,
        heap_mb=memory.heap_mb,
        memory_mb=memory.limit_mb,
        administrator=administrator,
        reader=READER,
        http_user=HTTP_USER,
        ports=published,
        replicas=[replica.host_id for replica in replicas],
        python_image=python_image,
        shipper_memory_mb=SHIPPER_LIMIT_MB,
        shipper_port=STATUS_PORT,
        health_port=QUESTDB_METRICS,
    )
    return Release(
        bundle=BUNDLE,
        files=(
            ReleaseFile(COMPOSE_FILE, compose),
            *_files(administrator, vault),
            *_shipper_files(replicas),
            *_replication_files(replication, vault),
        ),
        images=(image, python_image) if replicas else (image,),
        gate=Gate(
            timeout_seconds=GATE_SECONDS,
            ports=published,
            checks=(Check("the reader reads", SERVICE, _as(READER, "SELECT 1")),),
        ),
        data_versions={"questdb": version_of(image)},
        before_data_change=(Check("copy of the data", SERVICE, BACKUP),),
    )


def _files(administrator: str, vault: Vault) -> Iterator[ReleaseFile]:
    for user in dict.fromkeys((administrator, READER, HTTP_USER)):
        yield ReleaseFile(f"secrets/{user}", password_reference(user, vault), mode=0o400, uid=UID)
    yield ReleaseFile("scripts/sql.sh", render("bundles/questdb/sql.sh.j2", port=QUESTDB_SQL, seconds=SQL_SECONDS))
    backup = render("bundles/questdb/backup.sh.j2", root=ROOT, scripts=SCRIPTS, administrator=administrator)
    yield ReleaseFile("scripts/backup.sh", backup)


def _shipper_files(replicas: tuple[Replica, ...]) -> Iterator[ReleaseFile]:
    """The shippers' program, and what each is told."""
    if not replicas:
        return
    for module in sorted(resources.files("shipper").iterdir(), key=lambda item: item.name):
        if module.name.endswith(".py"):
            yield ReleaseFile(f"shipper/{module.name}", module.read_text(encoding="utf-8"))
    for replica in replicas:
        login = {"user": HTTP_USER, "password_file": f"{SECRETS}/{HTTP_USER}"}
        document = {
            "replica": replica.host_id,
            "primary": {"address": f"{SERVICE}:{QUESTDB_HTTP}", **login},
            "sink": {"address": f"{replica.mesh_address}:{QUESTDB_HTTP}", **login},
            "state_folder": f"{ROOT}/shipped/{replica.host_id}",
            # Published on no port: for its health check, and for what scrapes metrics on the host's own network.
            "listen": f"0.0.0.0:{STATUS_PORT}",
        }
        yield ReleaseFile(f"shippers/{replica.host_id}/config.json", json.dumps(document, indent=2) + "\n")


def _replication_files(replication: Replication | None, vault: Vault) -> Iterator[ReleaseFile]:
    if replication is None:
        return
    yield ReleaseFile(f"secrets/{STORE_FILE}", replication.store(vault), mode=0o400, uid=UID)
    yield ReleaseFile(f"scripts/{GUARD}", render(f"bundles/questdb/{GUARD}.j2", root=ROOT))


def _as(user: str, statement: str) -> tuple[str, ...]:
    return ("bash", f"{SCRIPTS}/sql.sh", user, statement)
