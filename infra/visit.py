"""What the provider's process does on a host for a part of it; secrets are filled in right before they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hosts import Connection, Report, apply, observe
from infra.arrival import arrived, confirmed, glance
from infra.departure import departure
from infra.guest import refuse_to_close
from infra.vault import filled, open_vault

if TYPE_CHECKING:
    from infra.adapter import HostPart


def observe_part(part: HostPart) -> Report:
    """What differs between the host and its part as declared.

    Raises:
        HostUnreachable: no answer.
        HostError, SecretError, WorkspaceError: as ``hosts`` and the vault raise them.
    """
    with glance(part.target) as connection:
        return observe(connection, filled(part.state, open_vault()))


def first_visit(part: HostPart) -> Report:
    """Bring a host to a part that it never had: its first-contact key is accepted, a guest's open ports are respected.

    Raises:
        WouldClosePorts: a guest's port is in use that the configuration says nothing about.
        HostError, SecretError, WorkspaceError: as ``hosts.apply`` and the vault raise them.
    """
    with arrived(part.at_first_contact(), part.late_key_seconds) as connection:
        if part.settled_ports:
            refuse_to_close(connection, part.host, part.settled_ports)
        return _bring(part, connection)


def visit(part: HostPart) -> Report:
    """Bring a host to a part that has changed; raises as ``hosts.apply`` does."""
    with arrived(part.target) as connection:
        return _bring(part, connection)


def leave(part: HostPart) -> None:
    """Take a part off a server that somebody else runs.

    Raises:
        HostUnreachable: no answer; what was put there stays.
        HostError: it could not be taken away.
    """
    with glance(part.target) as connection:
        for state in departure(part.state):
            apply(connection, state, confirm=lambda: confirmed(part.target))


def _bring(part: HostPart, connection: Connection) -> Report:
    return apply(connection, filled(part.state, open_vault()), confirm=lambda: confirmed(part.target))
