"""The clouds' own lists over HTTP, on the loopback of the machine: what their web consoles and ``fleet orphans`` ask.

One small service a lab, at a port that the lab keeps. It answers from the clouds' state, with servers on or off, in
the shapes of Vultr's and DigitalOcean's API v2, of Lightsail's JSON and of EC2's query protocol.
Run by the lab: ``python -m lab.cloud.listing HOME``.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from lab.cloud.answer import Answer, Call
from lab.errors import LabError
from lab.processes import end, has_ended, pid_of, spawn
from lab.settings import CHECKOUT, LabHome

MODULE = "lab.cloud.listing"
HOST = "127.0.0.1"
FIRST_PORT, PORTS = 21000, 9000
"""Ports that are tried: below those that the kernel gives to outgoing connections (from 32768 on)."""
START_SECONDS = 30.0
_SETTING = "listing_port"
_PID, _LOG = "listing.pid", "listing.log"


def url(home: LabHome) -> str:
    """Where the service of a lab is, or will be once it is started."""
    return f"http://{HOST}:{port(home)}"


def port(home: LabHome) -> int:
    """The port of a lab: chosen once, kept in its settings.

    Raises:
        LabError: there is no free one.
    """
    known = home.settings.get(_SETTING)
    if known is None:
        home.configure(**{_SETTING: _free_port(int(home.id, 16))})
        known = home.settings[_SETTING]
    return int(known)


def _free_port(start: int) -> int:
    for step in range(PORTS):
        candidate = FIRST_PORT + (start + step) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
        return candidate
    raise LabError(f"no free port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} for the lab's lists")


def _marker(home: LabHome) -> str:
    return f"-m {MODULE} {home.path}"


def running(home: LabHome) -> bool:
    return pid_of(home.path / _PID, _marker(home)) is not None


def start(home: LabHome) -> None:
    """Start the service unless it runs; returns when it listens.

    Raises:
        LabError: it does not get that far: another program has its port, say.
    """
    if running(home):
        return
    port(home)
    log, file = home.path / _LOG, home.path / _PID
    for old in (log, file):
        old.unlink(missing_ok=True)
    pid = spawn([sys.executable, "-m", MODULE, str(home.path)], log, {"PYTHONPATH": str(CHECKOUT)})
    deadline = time.monotonic() + START_SECONDS
    while not file.exists():
        if has_ended(pid) or time.monotonic() > deadline:
            told = log.read_text().strip().splitlines()[-1:]
            raise LabError(f"the lab's lists do not start: {' '.join(told)}")
        time.sleep(0.02)


def stop(home: LabHome) -> None:
    """End the service if it runs."""
    pid = pid_of(home.path / _PID, _marker(home))
    if pid is not None:
        end(pid, _marker(home), patience_seconds=2.0)
        has_ended(pid)
    for name in (_PID, _LOG):
        (home.path / name).unlink(missing_ok=True)


@contextmanager
def started(home: LabHome) -> Iterator[str]:
    """The service while the block runs; gives its URL. For labs without servers, which are never up or down."""
    start(home)
    try:
        yield url(home)
    finally:
        stop(home)


def answer(home: Path, call: Call) -> Answer:
    """What the cloud that this call is meant for answers."""
    from lab.cloud.aws import lists as aws
    from lab.cloud.digitalocean import lists as digitalocean
    from lab.cloud.vultr import lists as vultr

    for provider in (vultr, digitalocean, aws):
        found: Answer | None = provider.answer(home, call)
        if found is not None:
            return found
    return Answer(404, f"no cloud of the lab has {call.method} {call.path}", "text/plain")


def serve(home: LabHome) -> None:
    """Answer until the process is ended."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            found = answer(home.path, call)
            content = found.body.encode()
            self.send_response(found.status)
            if found.status != 204:
                self.send_header("Content-Type", found.content_type)
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    try:
        server = ThreadingHTTPServer((HOST, port(home)), Handler)
    except OSError as taken:
        sys.exit(f"{HOST}:{port(home)}: {taken.strerror}. End what has it, or run `fleet lab forget` for another port")
    with server:
        (home.path / _PID).write_text(str(os.getpid()))
        server.serve_forever()


if __name__ == "__main__":
    serve(LabHome(Path(sys.argv[1])))
