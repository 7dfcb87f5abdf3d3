"""Asking and telling the shippers, which run beside the primary on the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fleet.db.problem import DatabaseProblem
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from hosts import Connection, connect
from infra.bundles import questdb
from infra.first_boot import DEPLOY_PATH
from shipper.progress import WAITING

CONNECT_SECONDS = 20.0


@dataclass(frozen=True)
class ReplicaStatus:
    """One replica as its shipper tells of it."""

    host: str
    state: str
    """following, waiting (for whom), or why its shipper does not answer"""
    rows: int | None = None
    """Shipped since the shipper was started."""
    heartbeat_behind: float | None = None
    """Seconds that the newest heartbeat on the replica is old, by the replica's clock."""
    lag_p99: float | None = None
    """Seconds from a commit on the primary to its acknowledgement by the replica, for 99 of 100 recent ones."""
    transactions_behind: int | None = None
    """Over all tables."""
    needs_resync: Mapping[str, str] | None = None
    """Tables that cannot be followed, each with the reason."""

    @property
    def followed(self) -> bool:
        """Whether its shipper runs and reaches both servers."""
        return self.needs_resync is not None and not self.state.startswith(WAITING)


@contextmanager
def database_host(hosts: Sequence[RunningHost], hub: str, vault: Vault) -> Iterator[Connection]:
    """A connection to the host of the primary; raises as ``standing_host``."""
    with standing_host(hosts, hub, vault) as connection:
        yield connection


@contextmanager
def standing_host(hosts: Sequence[RunningHost], name: str, vault: Vault) -> Iterator[Connection]:
    """A connection to a host that has to do with the database.

    Raises:
        DatabaseProblem: it does not stand.
        HostError: it cannot be reached.
    """
    found = next((host for host in hosts if host.ref.id == name), None)
    if found is None:
        raise DatabaseProblem(f"{name}: does not stand; bring it up first: fleet up {name.partition('-')[0]}")
    with connect(found.target, vault.ed25519_private(*DEPLOY_PATH), deadline_seconds=CONNECT_SECONDS) as connection:
        yield connection


def status(connection: Connection, replicas: Sequence[str]) -> tuple[ReplicaStatus, ...]:
    """How far each replica is; one whose shipper does not answer says so."""
    return tuple(_status(connection, replica) for replica in replicas)


def _status(connection: Connection, replica: str) -> ReplicaStatus:
    try:
        facts = json.loads(_shipper(connection, replica, "status"))
    except (DatabaseProblem, ValueError) as problem:
        return ReplicaStatus(replica, f"its shipper does not answer: {problem}")
    return ReplicaStatus(
        host=replica,
        state=facts["state"],
        rows=facts["rows"],
        heartbeat_behind=facts["heartbeat_behind_seconds"],
        lag_p99=facts["lag_p99_seconds"],
        transactions_behind=sum(table["transactions_behind"] for table in facts["tables"].values()),
        needs_resync=facts["needs_resync"],
    )


def resync(connection: Connection, replica: str, tables: Sequence[str]) -> None:
    """Have tables copied anew; every table where none is named. The old one serves until the copy is whole.

    Raises:
        DatabaseProblem: the replica has no shipper that runs.
    """
    _shipper(connection, replica, "resync", *tables)


def _shipper(connection: Connection, replica: str, action: str, *arguments: str) -> str:
    command = ("python3", "-B", "-m", "shipper", action, questdb.SHIPPER_CONFIG, *arguments)
    return _run(connection, questdb.shipper_container(replica), *command)


def _run(connection: Connection, container: str, *argv: str, seconds: float = 60.0) -> str:
    command = connection.target.as_root("docker", "exec", container, *argv)
    done = connection.run(command, timeout_seconds=seconds)
    if done.exit_status != 0:
        said: list[str] = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise DatabaseProblem(f"{container}: {said[-1] if said else f'exit {done.exit_status}'}")
    return done.stdout.decode()
