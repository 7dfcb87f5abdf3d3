"""Asking the keepers on the fleet's hosts, over one connection each that stays open as long as it is needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

from hosts import Connection, HostError, Target, connect
from infra.bundles.redis import KEEPER_SERVICE, PROJECT
from rediscluster.drive import RedisStopped

CONNECT_SECONDS = 20.0
COMMAND_SECONDS = 900.0
"""Of one command: slots full of keys may have to cross an ocean."""

CONTAINER = f"{PROJECT}-{KEEPER_SERVICE}-1"
"""As Compose names it."""


class Keepers:
    """The way to each host's keeper. Use as a context manager; hosts may be asked at the same time."""

    def __init__(self, targets: Mapping[str, Target], login_key: str) -> None:
        self._targets, self._login_key = targets, login_key
        self._connections: dict[str, Connection] = {}
        self._locks = {host: threading.Lock() for host in targets}

    def ask(self, host: str, argv: Sequence[str], stdin: bytes) -> bytes:
        """Run a command of the keeper on a host; what it wrote.

        Raises:
            RedisStopped: the host does not stand or does not answer, or runs no keeper.
        """
        if host not in self._targets:
            raise RedisStopped(f"{host} does not stand: fleet up {host}")
        try:
            with self._locks[host]:
                connection = self._connection(host)
            words = ("docker", "exec", "-i", CONTAINER, "python3", "-B", "-m", "keeper", *argv)
            done = connection.run(connection.target.as_root(*words), stdin=stdin, timeout_seconds=COMMAND_SECONDS)
        except HostError as problem:
            self._forget(host)
            raise RedisStopped(str(problem)) from None
        if done.exit_status != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise RedisStopped(
                f"{host}: no keeper answers there ({' '.join(said) or done.exit_status}): fleet up {host}"
            )
        return done.stdout

    def __enter__(self) -> Keepers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.close()

    def _connection(self, host: str) -> Connection:
        if host not in self._connections:
            self._connections[host] = connect(self._targets[host], self._login_key, deadline_seconds=CONNECT_SECONDS)
        return self._connections[host]

    def _forget(self, host: str) -> None:
        with self._locks[host]:
            broken = self._connections.pop(host, None)
        if broken is not None:
            broken.close()
