"""A provider's web API on the loopback that answers what a test wrote down, and the mark of a fleet."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fleet.orphans.owned import Mark


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


@dataclass
class Provider:
    """Answers in the order in which they were written down, each as often as ``times``; notes what was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: list[tuple[str, int, str, dict[str, str]]] = field(default_factory=list)

    def answers(self, call: str, document: Any = "", status: int = 200, times: int = 1, **headers: str) -> None:
        """``call`` is ``GET /v2/instances``; ``document`` a text as it is, everything else as JSON."""
        text = document if isinstance(document, str) else json.dumps(document)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers += [(call, status, text, named)] * times

    def take(self, call: str) -> tuple[int, str, dict[str, str]]:
        for index, (wanted, status, text, headers) in enumerate(self._answers):
            if wanted == call:
                del self._answers[index]
                return status, text, headers
        return 599, f"the test has no answer to {call}", {}


@pytest.fixture
def provider() -> Iterator[Provider]:
    script = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append(Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body))
            operation = headers.get("x-amz-target", "").rpartition(".")[2] or dict(parse_qsl(body)).get("Action")
            status, text, more = script.take(operation or f"{self.command} {parts.path}")
            content = text.encode()
            self.send_response(status)
            for name, value in more.items():
                if name != "Content-Length":
                    self.send_header(name, value)
            # A length beyond what comes: the connection ends in the middle.
            self.send_header("Content-Length", more.get("Content-Length", str(len(content))))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the server's names

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield script
        server.shutdown()
        thread.join()


@pytest.fixture
def mark() -> Mark:
    return Mark("prod", frozenset({"hub", "nj", "sg", "tyo"}))
