"""Arriving at a host out of the provider's process: its login, its patience, and what an interrupted run does.

Imported only when there is something to do there: a preview opens no connection, and paramiko, cryptography and the
model of the configuration take as long to import as the rest of the provider's start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fleet.secrets import SecretError
from fleet.workspace import WorkspaceError
from fleet.workspace.stop import stop_requested
from hosts import Connection, HostError, HostUnreachable, Target, connect
from infra.first_boot import DEPLOY_PATH
from infra.vault import open_vault

CONNECT_SECONDS = 240.0
"""How long a new server may take until ssh answers: first boot of the slowest of the providers is about two minutes."""

REFRESH_SECONDS = 20.0
"""How long a refresh or a delete tries to reach a host before it goes on without it."""

STOP_LOOK_SECONDS = 0.25
STOP_GRACE_SECONDS = 15.0
"""How long an interrupted run waits for a host to finish: with the engine's own five seconds, under half a minute."""

EXPECTED_ERRORS = (HostError, SecretError, WorkspaceError)
"""Errors whose text is written for the user; everything else is a defect and keeps its traceback."""


@contextmanager
def arrived(target: Target, late_key_seconds: float = 0.0) -> Iterator[Connection]:
    """A connection to work over; closed early when the run is interrupted, the host finishes its step by itself.

    Raises:
        HostUnreachable: no answer in time, or the run was interrupted while waiting for one.
        HostError: as ``hosts.connect``.
    """
    with (
        connect(
            target,
            login_key(),
            deadline_seconds=CONNECT_SECONDS,
            progress=_give_up_when_stopped,
            late_key_seconds=late_key_seconds,
        ) as connection,
        _closed_when_stopped(connection),
    ):
        yield connection


def glance(target: Target) -> Connection:
    """A connection for a look, or for what may as well stay undone: given up soon; raises as ``hosts.connect``."""
    return connect(target, login_key(), deadline_seconds=REFRESH_SECONDS)


def confirmed(target: Target) -> Connection:
    """A *new* connection, to the permanent key alone: what proves that a change did not lock us out."""
    return connect(target, login_key(), deadline_seconds=30.0)


def login_key() -> str:
    """The fleet's own login key, OpenSSH PEM."""
    return open_vault().ed25519_private(*DEPLOY_PATH)


def _give_up_when_stopped(waiting: str) -> None:
    if stop_requested():
        raise HostUnreachable(f"{waiting}. Given up: the run was interrupted. Nothing was changed on the host.")


@contextmanager
def _closed_when_stopped(connection: Connection) -> Iterator[None]:
    """Let an interrupted run go on for a little, then close the connection: the host finishes its step by itself."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(STOP_LOOK_SECONDS):
            if stop_requested():
                if not ended.wait(STOP_GRACE_SECONDS):
                    connection.close()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
