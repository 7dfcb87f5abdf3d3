"""A Redis connection in a page: RESP2 over a socket, pipelined, opened when it is first needed."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import BinaryIO, TypeAlias

Reply: TypeAlias = "str | int | list[Reply] | Refused | None"


class Refused(Exception):
    """Redis answered a command with an error; the text is Redis' own."""


class Client:
    """One instance, as one user. After an ``OSError`` the next call connects anew."""

    def __init__(self, endpoint: str, user: str, password: str, timeout_seconds: float) -> None:
        self.endpoint = endpoint
        self._user, self._password, self._timeout = user, password, timeout_seconds
        self._socket: socket.socket | None = None
        self._reader: BinaryIO | None = None

    def call(self, *words: str | int) -> Reply:
        """One command's reply.

        Raises:
            Refused: the reply is an error.
            OSError: there is no connection, or it broke; the command may have been carried out.
        """
        (reply,) = self.pipeline([words])
        if isinstance(reply, Refused):
            raise reply
        return reply

    def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """The replies to several commands sent at once; errors stand among them as ``Refused``.

        Raises:
            Refused: the login was refused.
            OSError: as ``call``.
        """
        if self._socket is None:
            self._connect()
        try:
            return self._exchange(commands)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; closing twice is harmless."""
        if self._reader is not None:
            self._reader.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._reader = None

    def _connect(self) -> None:
        host, _, port = self.endpoint.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=self._timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")
        try:
            (reply,) = self._exchange([("AUTH", self._user, self._password)])
            if isinstance(reply, Refused):
                raise reply
        except (OSError, Refused):
            self.close()
            raise

    def _exchange(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        if self._socket is None:
            raise ConnectionResetError("not connected")
        self._socket.sendall(b"".join(map(_encode, commands)))
        return [self._read() for _ in commands]

    def _read(self) -> Reply:
        if self._reader is None:
            raise ConnectionResetError("not connected")
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Refused(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if int(rest) < 0 else [self._read() for _ in range(int(rest))]
        raise ConnectionResetError("what answers there does not speak Redis' protocol")

    def _bulk(self, size: int) -> str | None:
        if size < 0 or self._reader is None:
            return None
        data = self._reader.read(size + 2)
        if len(data) != size + 2:
            raise ConnectionResetError("the connection ended")
        # Names of keys may be any bytes; they must come back out as they were.
        return data[:-2].decode(errors="surrogateescape")


def _encode(words: Sequence[str | int]) -> bytes:
    encoded = [str(word).encode(errors="surrogateescape") for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
