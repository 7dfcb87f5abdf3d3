"""One QuestDB server over HTTP: queries in, rows out; lines in, an acknowledgement out."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.parse
from functools import lru_cache
from typing import Any

from shipper.settings import Server

TIMEOUT_SECONDS = 30.0


class Unreachable(Exception):
    """The server does not answer now. Whatever was asked may be asked again."""


class Refused(Exception):
    """The server answered, and not with what was asked for. ``str`` is its own text."""


@lru_cache(maxsize=256)
def _path(sql: str) -> str:
    """Where a statement is asked. The same few are asked all the time."""
    return "/exec?" + urllib.parse.urlencode({"query": sql})


class Database:
    """A server, over one connection that is opened anew when it breaks."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: http.client.HTTPConnection | None = None
        self._login = ""

    def ask(self, sql: str) -> list[list[Any]]:
        """The rows of a query; none for a statement.

        Raises:
            Unreachable: no answer.
            Refused: the statement is in error.
        """
        status, body = self._call("GET", _path(sql), None)
        try:
            # Fractions as they are written: reading and writing them again would cost a tenth of a row's time.
            answer = json.loads(body, parse_float=str)
        except ValueError:
            raise Refused(f"HTTP {status}: {body[:200].decode(errors='replace')}") from None
        if "error" in answer:
            raise Refused(answer["error"])
        rows: list[list[Any]] = answer.get("dataset", [])
        return rows

    def write(self, lines: bytes, precision: str) -> None:
        """Commit lines of InfluxDB's line protocol; returns when they are in the server's log.

        Raises:
            Unreachable: no answer; they may or may not have been committed.
            Refused: they were not committed.
        """
        status, body = self._call("POST", f"/write?precision={precision}", lines)
        if status >= 500:
            raise Unreachable(f"HTTP {status}: {body[:200].decode(errors='replace')}")
        if status != 204:
            raise Refused(body[:500].decode(errors="replace"))

    def _call(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        try:
            connection = self._connected()
            connection.request(method, path, body=body, headers={"Authorization": self._login})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise Unreachable(f"{self._server.address}: {problem or type(problem).__name__}") from None
        if answer.status in (401, 403):
            self.close()
            raise Unreachable(f"{self._server.address}: the login of {self._server.user} is refused")
        return answer.status, content

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, _, port = self._server.address.rpartition(":")
            self._connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
            login = f"{self._server.user}:{self._server.password}".encode()
            self._login = f"Basic {base64.b64encode(login).decode()}"
        return self._connection

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
