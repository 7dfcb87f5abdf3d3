"""What the provider's process does on a host: one connection, secrets filled in right before they are sent.

Imported only when there is something to do there: a preview opens no connection, and paramiko, cryptography and the
model of the configuration take as long to import as the rest of the provider's start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fleet.secrets import SecretError
from fleet.workspace import WorkspaceError
from fleet.workspace.stop import stop_requested
from hosts import Connection, HostError, HostUnreachable, Report, Target, apply, connect, observe
from infra.departure import departure
from infra.first_boot import DEPLOY_PATH
from infra.guest import refuse_to_close
from infra.vault import filled, open_vault

if TYPE_CHECKING:
    from infra.adapter import HostPart

CONNECT_SECONDS = 240.0
"""How long a new server may take until ssh answers: first boot of the slowest of the providers is about two minutes."""

REFRESH_SECONDS = 20.0
"""How long a refresh tries to reach a host before it reports it as not refreshed."""

STOP_LOOK_SECONDS = 0.25
STOP_GRACE_SECONDS = 15.0
"""How long an interrupted run waits for a host to finish: with the engine's own five seconds, under half a minute."""

EXPECTED_ERRORS = (HostError, SecretError, WorkspaceError)
"""Errors whose text is written for the user; everything else is a defect and keeps its traceback."""


def observe_part(part: HostPart) -> Report:
    """What differs between the host and its part as declared.

    Raises:
        HostUnreachable: no answer.
        HostError, SecretError, WorkspaceError: as ``hosts`` and the vault raise them.
    """
    with connect(part.target, _login_key(), deadline_seconds=REFRESH_SECONDS) as connection:
        return observe(connection, filled(part.state, open_vault()))


def first_visit(part: HostPart) -> Report:
    """Bring a host to a part that it never had: its first-contact key is accepted, a guest's open ports are respected.

    Raises:
        WouldClosePorts: a guest's port is in use that the configuration says nothing about.
        HostError, SecretError, WorkspaceError: as ``hosts.apply`` and the vault raise them.
    """
    with _arrived(part.at_first_contact(), part.late_key_seconds) as connection:
        if part.settled_ports:
            refuse_to_close(connection, part.host, part.settled_ports)
        return _bring(part, connection)


def visit(part: HostPart) -> Report:
    """Bring a host to a part that has changed; raises as ``hosts.apply`` does."""
    with _arrived(part.target, late_key_seconds=0.0) as connection:
        return _bring(part, connection)


def leave(part: HostPart) -> None:
    """Take a part off a server that somebody else runs.

    Raises:
        HostUnreachable: no answer; what was put there stays.
        HostError: it could not be taken away.
    """
    with connect(part.target, _login_key(), deadline_seconds=REFRESH_SECONDS) as connection:
        for state in departure(part.state):
            apply(connection, state, confirm=lambda: connect(part.target, _login_key(), deadline_seconds=30.0))


@contextmanager
def _arrived(target: Target, late_key_seconds: float) -> Iterator[Connection]:
    with (
        connect(
            target,
            _login_key(),
            deadline_seconds=CONNECT_SECONDS,
            progress=_give_up_when_stopped,
            late_key_seconds=late_key_seconds,
        ) as connection,
        _closed_when_stopped(connection),
    ):
        yield connection


def _bring(part: HostPart, connection: Connection) -> Report:
    def confirm() -> Connection:
        # A *new* connection, to the permanent key alone: what proves that we are not locked out.
        return connect(part.target, _login_key(), deadline_seconds=30.0)

    return apply(connection, filled(part.state, open_vault()), confirm=confirm)


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


def _login_key() -> str:
    return open_vault().ed25519_private(*DEPLOY_PATH)
