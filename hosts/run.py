"""The stages of a host's configuration, each one exec of the same program on the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hosts.connection import Connection
from hosts.report import Report
from hosts.state import HostState


@dataclass(frozen=True)
class HostEnvironment:
    """Where the program on the host works: the real root everywhere but in tests."""

    root: str = "/"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def observe(connection: Connection, state: HostState, environment: HostEnvironment = HostEnvironment()) -> Report:
    """What differs between the host and ``state`` right now; writes nothing on the host."""
    raise NotImplementedError


def plan(connection: Connection, state: HostState, environment: HostEnvironment = HostEnvironment()) -> Report:
    """As ``observe``, and the validators have read the new files."""
    raise NotImplementedError


def apply(
    connection: Connection,
    state: HostState,
    confirm: Callable[[], Connection],
    environment: HostEnvironment = HostEnvironment(),
    lock_wait_seconds: float = 30.0,
) -> Report:
    """Make the host as ``state`` says; dangerous changes are confirmed over the new connection that ``confirm`` opens."""
    raise NotImplementedError
