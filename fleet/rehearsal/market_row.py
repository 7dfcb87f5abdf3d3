"""What the fleet is for, in one row: written on the hub, read as the read-only user in every other region."""

from __future__ import annotations

import shlex
import time
import uuid
from collections.abc import Iterable

from fleet.operation.hosts_of import RunningHost
from infra.bundles import questdb
from lab.lab import Lab

TABLE = "rehearsal_rows"
MAKE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (ts TIMESTAMP, id VARCHAR, px DOUBLE) TIMESTAMP(ts) PARTITION BY DAY "
    "TTL 1 DAY WAL DEDUP UPSERT KEYS(ts, id)"
)
PATIENCE_SECONDS = 120.0
"""A new table is copied with the next sweep of each shipper; the rest is the patience of a busy machine."""
LOOK_SECONDS = 0.1


class RowNotWritten(Exception):
    """The primary did not take the row."""


def write_and_read(lab: Lab, hosts: Iterable[RunningHost], hub: str) -> dict[str, float | None]:
    """Write a row on the hub; seconds until each region's replica had it, None where it did not come.

    Raises:
        RowNotWritten: the primary refused it.
    """
    standing = {host.ref.id: server_of(lab, host) for host in hosts}
    mark = uuid.uuid4().hex
    for statement in (MAKE, f"INSERT INTO {TABLE} VALUES (now(), '{mark}', 1.5)"):  # noqa: S608 - our own words
        done = lab.run(standing[hub], questdb.statement(questdb.WRITER, statement))
        if done.code != 0:
            raise RowNotWritten(f"{hub}: {shlex.join(statement.split()[:3])}: {done.stdout.strip()}")
    written = time.monotonic()
    waiting = {name: server for name, server in standing.items() if name != hub and _has_database(lab, server)}
    seen: dict[str, float | None] = dict.fromkeys(waiting)
    while waiting and time.monotonic() - written < PATIENCE_SECONDS:
        for name in list(waiting):
            query = f"SELECT id FROM {TABLE} WHERE id = '{mark}'"  # noqa: S608 - our own words
            done = lab.run(waiting[name], questdb.statement(questdb.READER, query))
            if done.code == 0 and mark in done.stdout:
                seen[name] = time.monotonic() - written
                del waiting[name]
        time.sleep(LOOK_SECONDS)
    return seen


def server_of(lab: Lab, host: RunningHost) -> str:
    """The lab's name of a host: at AWS servers are named with their fleet."""
    return next(server.name for server in lab.status().hosts if host.address in server.addresses)


def _has_database(lab: Lab, server: str) -> bool:
    found = lab.run(server, ["docker", "ps", "--quiet", "--filter", f"name={questdb.CONTAINER}"])
    return bool(found.stdout.strip())
