"""How long venues take to answer. Runs *on the host* (standard library only, drives curl), prints one JSON document.

Argument: ``{"seconds": S, "timeout_seconds": T, "series": [{"kind", "url", "period_seconds", "offset_seconds"}]}``.
Output: ``{"started", "curl", "python", "series": [...]}``, a series for each that was asked, or ``{"error": text}``.

Every series has a fixed schedule: tick n is meant to start at offset + n x period, whatever became of the one before,
and its latency counts from then. Kinds:

- cold: a curl process of its own for each tick; DNS, TCP, TLS, time to the first byte, and all of it together
- warm: time to the first byte on one connection that is kept
- websocket: ping to pong on one connection that is kept
- tcp: DNS and TCP connect

Nothing is written but a temporary folder. It ends when whoever started it is gone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LEAD_SECONDS = 0.2
"""From now to the first tick: every series is set up by then."""
LOOK_SECONDS = 1.0
"""How often it is looked whether somebody still waits for the answer."""
GATE_SECONDS = 0.0005
RECONNECT_SECONDS = 5.0
"""The least between two connects of one WebSocket series."""
MOST_FRAME = 1 << 24
REFUSALS = ("403", "429", "451")
ENOUGH = {"403": 3, "429": 1, "451": 3}
"""So many refusals in a row end a series: asking on would only annoy."""
HEADERS = ("server", "via", "cf-ray", "x-amz-cf-pop", "x-cache", "x-served-by")
"""What tells an edge from the origin."""
TELLS = (
    "http_code",
    "num_connects",
    "remote_ip",
    "time_namelookup",
    "time_connect",
    "time_appconnect",
    "time_starttransfer",
    "url_effective",
)
MARK = "told:"
CURL = ("curl", "--disable", "--silent", "--show-error", "--ipv4", "--noproxy", "*")
"""As the host is: no settings file, no proxy; IPv6 is switched off on the fleet's hosts."""
PARENT = os.getppid()


class Refused(Exception):
    """Something went wrong with one tick."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        """451, 403, 429, 5xx, timeout, dns, tls, refused, closed, other"""


@dataclass
class Series:
    """What came of one series."""

    phases: tuple[str, ...]
    samples: list[list[float]] = field(default_factory=list)
    """Tick, HTTP status (0: none), then ms for each phase."""
    errors: list[tuple[int, str, str]] = field(default_factory=list)
    """Tick, kind, text."""
    behind: int = 0
    """Ticks that came due while the one before was still waited for."""
    reconnects: int = 0
    addresses: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    in_a_row: tuple[str, int] = ("", 0)

    def answered(self, tick: int, status: int, *seconds: float) -> None:
        self.in_a_row = ("", 0)
        self.samples.append([tick, status, *(round(value * 1000, 3) for value in seconds)])

    def failed(self, error: Refused, *ticks: int) -> None:
        """One request, for all these ticks."""
        kind, times = self.in_a_row
        self.in_a_row = (error.kind, times + 1 if kind == error.kind else 1)
        self.told(error, *ticks)

    def told(self, error: Refused, *ticks: int) -> None:
        self.errors.extend((tick, error.kind, str(error)[:200]) for tick in ticks)

    @property
    def over(self) -> bool:
        kind, times = self.in_a_row
        return times >= ENOUGH.get(kind, sys.maxsize)


@dataclass(frozen=True)
class Task:
    kind: str
    url: str
    period: float
    first: float
    """On the clock of time.perf_counter."""
    ticks: int
    timeout: float
    folder: Path

    def due(self, tick: int) -> float:
        return self.first + tick * self.period


def wait_until(moment: float) -> None:
    while (left := moment - time.perf_counter()) > 0:
        time.sleep(min(left, LOOK_SECONDS))
        leave_if_alone()


def leave_if_alone() -> None:
    if os.getppid() != PARENT:
        os._exit(1)


# What curl tells


def told_format() -> str:
    return "%{stderr}" + MARK + " ".join("%{" + name + "}" for name in TELLS) + "\\n"


@dataclass(frozen=True)
class Told:
    """One transfer as curl tells it, in seconds since it began."""

    status: int
    connects: int
    address: str
    resolved: float
    connected: float
    shaken: float
    first_byte: float
    url: str
    complaint: str

    def checked(self) -> Told:
        """Raises Refused."""
        if self.status == 0:
            raise complained(self.complaint)
        check_status(self.status)
        return self


def told(line: str, complaint: str) -> Told:
    # The address is empty where there was no connection.
    words = line[len(MARK) :].rstrip("\n").split(" ", len(TELLS) - 1)
    resolved, connected, shaken, first_byte = (float(word) for word in words[3:7])
    return Told(
        status=int(words[0]),
        connects=int(words[1]),
        address=words[2],
        resolved=resolved,
        connected=connected,
        shaken=shaken,
        first_byte=first_byte,
        url=words[7],
        complaint=complaint,
    )


def check_status(status: int) -> None:
    if str(status) in REFUSALS:
        raise Refused(str(status), f"HTTP {status}")
    if status >= 500:
        raise Refused("5xx", f"HTTP {status}")


def is_complaint(line: str) -> bool:
    return line.startswith("curl: (")


def complained(text: str) -> Refused:
    """By curl's exit code, which its message begins with."""
    found = re.match(r"curl: \((\d+)\)", text)
    code = int(found.group(1)) if found else 0
    if code == 7:
        return Refused("refused" if "refused" in text.lower() or "connect to server" in text else "other", text)
    kinds = {6: "dns", 28: "timeout", 35: "tls", 52: "closed", 55: "closed", 56: "closed", 92: "closed"}
    tls = (51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91)
    return Refused(kinds.get(code, "tls" if code in tls else "other"), text or "curl said nothing")


def curl_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


# The kinds


def at_each_tick(task: Task, series: Series, one: Callable[[int], None]) -> None:
    """Each tick in a thread of its own: none waits for another."""

    def tried(tick: int) -> None:
        try:
            one(tick)
        except Refused as error:
            series.failed(error, tick)

    started: list[threading.Thread] = []
    for tick in range(task.ticks):
        wait_until(task.due(tick))
        if series.over:
            break
        started.append(threading.Thread(target=tried, args=(tick,), daemon=True))
        started[-1].start()
    for thread in started:
        thread.join()


def cold(task: Task, series: Series) -> None:
    argv = [*CURL, "--proto", "=https", "--max-time", f"{task.timeout:g}", "--output", os.devnull]
    argv += ["--dump-header", "-", "--write-out", told_format(), task.url]

    def one(tick: int) -> None:
        late = time.perf_counter() - task.due(tick)
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=curl_environment()
        )
        lines = done.stderr.splitlines()
        complaint = next(filter(is_complaint, lines), "")
        line = next((line for line in lines if line.startswith(MARK)), None)
        if line is None:
            raise complained(complaint)
        answer = told(line, complaint).checked()
        series.addresses.add(answer.address)
        series.headers.update(kept_headers(done.stdout))
        series.answered(
            tick,
            answer.status,
            answer.resolved,
            answer.connected - answer.resolved,
            answer.shaken - answer.connected,
            # Not from time_pretransfer: curl takes that one when the request is sent already.
            answer.first_byte - answer.shaken,
            late + answer.first_byte,
        )

    at_each_tick(task, series, one)


def kept_headers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.lower() in HEADERS:
            yield name.lower(), value.strip()[:100]


def warm(task: Task, series: Series) -> None:
    """One curl for all requests. Before each it opens a named pipe for reading, which holds it until we open it too."""
    gate = task.folder / f"gate-{secrets.token_hex(4)}"
    os.mkfifo(gate)
    transfers = f'url = "file://{gate}"\noutput = "{os.devnull}"\nurl = "{task.url}"\noutput = "{os.devnull}"\n'
    argv = [*CURL, "--proto", "=https,file", "--max-time", f"{task.timeout:g}", "--write-out", told_format()]
    process = subprocess.Popen(
        # It would wait at the gate for ever if this program were killed.
        ["setpriv", "--pdeathsig", "KILL", *argv, "--config", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=curl_environment(),
    )
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        # A line of its own for each transfer; more than are needed do no harm.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write((transfers * task.ticks).encode())
        process.stdin.close()
        answers = curl_answers(process.stderr.fileno(), task.url)
        requests(task, series, gate, process, answers)
    finally:
        process.terminate()
        process.wait()


def requests(task: Task, series: Series, gate: Path, process: subprocess.Popen[bytes], answers: Iterator[Told]) -> None:
    tick, connected = 0, False
    while tick < task.ticks and not series.over:
        wait_until(task.due(tick))
        started = open_gate(gate, process)
        # What came due during a stall is asked by this one request, each counted from its own start: no burst.
        last = min(task.ticks - 1, max(tick, int((started - task.first) / task.period)))
        due = range(tick, last + 1)
        series.behind += len(due) - 1
        tick = last + 1
        try:
            found = next(answers, None)
            if found is None:
                raise Refused("other", "curl ended")
            answer = found.checked()
        except Refused as error:
            series.failed(error, *due)
            continue
        series.addresses.add(answer.address)
        if answer.connects:
            series.reconnects += connected
            connected = True
            continue
        for one in due:
            series.answered(one, answer.status, started - task.due(one) + answer.first_byte)


def open_gate(gate: Path, process: subprocess.Popen[bytes]) -> float:
    """Let curl go on as soon as it stands there; the moment that it did."""
    while process.poll() is None:
        try:
            pipe = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(GATE_SECONDS)
            continue
        now = time.perf_counter()
        os.close(pipe)
        return now
    return time.perf_counter()


def curl_answers(pipe: int, url: str) -> Iterator[Told]:
    """What curl tells of the transfers of a URL, as it comes. Raises Refused when it ends, with its last words."""
    rest, complaint = "", ""
    while True:
        while "\n" not in rest:
            readable, _, _ = select.select([pipe], [], [], LOOK_SECONDS)
            leave_if_alone()
            if not readable:
                continue
            piece = os.read(pipe, 1 << 16)
            if not piece:
                raise Refused("other", complaint or "curl ended")
            rest += piece.decode(errors="replace")
        line, _, rest = rest.partition("\n")
        if not line.startswith(MARK):
            complaint = complaint or (line if is_complaint(line) else "")
            continue
        answer = told(line, complaint)
        complaint = ""
        if not answer.url.startswith("file:"):
            yield answer


def tcp(task: Task, series: Series) -> None:
    host, _, port = task.url.rpartition(":")

    def one(tick: int) -> None:
        connection, address, resolved, connected = connect(host, int(port), task.timeout)
        connection.close()
        series.addresses.add(address)
        series.answered(tick, 0, resolved, connected)

    at_each_tick(task, series, one)


def connect(host: str, port: int, timeout: float) -> tuple[socket.socket, str, float, float]:
    """A connection, its address, and the seconds for DNS and for TCP. Raises Refused."""
    began = time.perf_counter()
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("dns", f"{host}: {error}") from None
    resolved = time.perf_counter()
    address = found[0][4]
    try:
        connection = socket.create_connection((str(address[0]), port), timeout)
    except OSError as error:
        raise of_socket(error, f"{host}:{port}") from None
    return connection, str(address[0]), resolved - began, time.perf_counter() - resolved


def of_socket(error: OSError, where: str) -> Refused:
    if isinstance(error, TimeoutError):
        return Refused("timeout", f"{where}: no answer in time")
    if isinstance(error, ConnectionRefusedError):
        return Refused("refused", f"{where}: connection refused")
    if isinstance(error, ssl.SSLError):
        return Refused("tls", f"{where}: {error.reason or error}")
    return Refused("closed" if isinstance(error, ConnectionError) else "other", f"{where}: {error}")


def websocket(task: Task, series: Series) -> None:
    link: Link | None = None
    not_before = 0.0
    open_ticks: dict[int, float] = {}
    ever = False
    last = Refused("closed", "not connected")

    def lost(error: Refused) -> None:
        nonlocal last
        last = error
        series.failed(error, *open_ticks)
        open_ticks.clear()

    for tick in range(task.ticks):
        if link is not None:
            try:
                listen(link, task.due(tick), series, open_ticks, task.timeout)
            except Refused as error:
                lost(error)
                link.close()
                link = None
        wait_until(task.due(tick))
        if series.over:
            break
        try:
            if link is None:
                if time.perf_counter() < not_before:
                    # Nothing was asked: it is what it was.
                    series.told(Refused(last.kind, f"not connected: {last}"), tick)
                    continue
                not_before = time.perf_counter() + RECONNECT_SECONDS
                link = Link(task.url, task.timeout, series)
                series.reconnects += ever
                ever = True
                # Only what is asked on a connection that stands is measured.
                continue
            open_ticks[tick] = task.due(tick)
            link.send(9, tick.to_bytes(8, "big"))
        except Refused as error:
            open_ticks.setdefault(tick, task.due(tick))
            lost(error)
            if link is not None:
                link.close()
            link = None
    if link is not None:
        try:
            listen(link, time.perf_counter() + task.timeout, series, open_ticks, task.timeout, until_empty=True)
        except Refused as error:
            lost(error)
        link.close()
    lost(Refused("timeout", "no pong in time"))


def listen(
    link: Link, until: float, series: Series, open_ticks: dict[int, float], timeout: float, until_empty: bool = False
) -> None:
    """Take pongs until a moment. Raises Refused."""
    while (left := until - time.perf_counter()) > 0 and not (until_empty and not open_ticks):
        payload = link.pong(min(left, LOOK_SECONDS))
        leave_if_alone()
        now = time.perf_counter()
        if payload is not None and len(payload) == 8:
            number = int.from_bytes(payload, "big")
            # RFC 6455, 5.5.3: a pong may answer only the last of several pings.
            for tick in [tick for tick in open_ticks if tick <= number]:
                series.answered(tick, 101, now - open_ticks.pop(tick))
        for tick in [tick for tick, due in open_ticks.items() if now - due > timeout]:
            del open_ticks[tick]
            series.failed(Refused("timeout", "no pong in time"), tick)


class Link:
    """A WebSocket connection (RFC 6455) of which only pings and pongs are of interest. Raises Refused."""

    def __init__(self, url: str, timeout: float, series: Series) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or 443
        plain, address, _, _ = connect(host, port, timeout)
        self.where = f"{host}:{port}"
        self.timeout = timeout
        self.rest = b""
        try:
            self.socket = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            self.socket.settimeout(timeout)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            name = host if port == 443 else f"{host}:{port}"
            key = base64.b64encode(secrets.token_bytes(16)).decode()
            lines = [
                f"GET {path} HTTP/1.1",
                f"Host: {name}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                f"Sec-WebSocket-Key: {key}",
                "Sec-WebSocket-Version: 13",
                "",
                "",
            ]
            self.socket.sendall("\r\n".join(lines).encode())
            while b"\r\n\r\n" not in self.rest:
                self.read()
        except OSError as error:
            plain.close()
            raise of_socket(error, self.where) from None
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        series.addresses.add(address)
        series.headers.update(kept_headers(text))
        found = re.match(r"HTTP/1\.[01] (\d{3})", text)
        status = int(found.group(1)) if found else 0
        if status != 101:
            self.close()
            check_status(status)
            raise Refused("other", f"{self.where}: HTTP {status} instead of a WebSocket")

    def read(self) -> None:
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise ConnectionResetError("closed by the other side")
        self.rest += piece
        if len(self.rest) > MOST_FRAME:
            raise ConnectionAbortedError("a frame of more than 16 MB")

    def send(self, code: int, payload: bytes) -> None:
        mask = secrets.token_bytes(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        try:
            self.socket.settimeout(self.timeout)
            self.socket.sendall(bytes([0x80 | code, 0x80 | len(payload)]) + mask + masked)
        except OSError as error:
            raise of_socket(error, self.where) from None

    def pong(self, patience: float) -> bytes | None:
        """The next pong's payload; None if none came."""
        until = time.perf_counter() + patience
        while True:
            while (frame := self.frame()) is not None:
                code, payload = frame
                if code == 10:
                    return payload
                if code == 9:
                    self.send(10, payload)
                if code == 8:
                    raise Refused("closed", f"{self.where}: closed by the other side")
            left = until - time.perf_counter()
            if left <= 0:
                return None
            try:
                self.socket.settimeout(left)
                self.read()
            except TimeoutError:
                return None
            except OSError as error:
                raise of_socket(error, self.where) from None

    def frame(self) -> tuple[int, bytes] | None:
        """The next frame's code and payload; None while it is not whole."""
        data = self.rest
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(data) < at:
                return None
            size = int.from_bytes(data[2:at], "big")
        if len(data) < at + size:
            return None
        self.rest = data[at + size :]
        return data[0] & 0x0F, data[at : at + size]

    def close(self) -> None:
        self.socket.close()


KINDS: dict[str, tuple[Callable[[Task, Series], None], tuple[str, ...]]] = {
    "cold": (cold, ("dns", "tcp", "tls", "ttfb", "total")),
    "warm": (warm, ("ttfb",)),
    "websocket": (websocket, ("ping",)),
    "tcp": (tcp, ("dns", "tcp")),
}


def run(task: Task, series: Series) -> None:
    try:
        KINDS[task.kind][0](task, series)
    except Exception as error:  # noqa: BLE001 - one series must not take the others with it
        series.told(Refused("other", f"{type(error).__name__}: {error}"), 0)


def main(text: str) -> None:
    asked = json.loads(text)
    missing = [name for name in ("curl", "setpriv") if shutil.which(name) is None]
    if missing:
        print(json.dumps({"error": f"{' and '.join(missing)} not there (Debian: apt-get install curl util-linux)"}))
        return
    version = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False).stdout.split()
    found = [Series(KINDS[one["kind"]][1]) for one in asked["series"]]
    with tempfile.TemporaryDirectory(prefix="fleet-latency-") as folder:
        started, zero = time.time() + LEAD_SECONDS, time.perf_counter() + LEAD_SECONDS
        tasks = [planned(one, asked, zero, Path(folder)) for one in asked["series"]]
        threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in zip(tasks, found, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    answers = [{**asdict(one), "addresses": sorted(one.addresses)} for one in found]
    for answer in answers:
        del answer["in_a_row"]
    python = ".".join(str(part) for part in sys.version_info[:3])
    print(json.dumps({"started": started, "curl": version[1], "python": python, "series": answers}))


def planned(one: dict[str, Any], asked: dict[str, Any], zero: float, folder: Path) -> Task:
    period, offset = float(one["period_seconds"]), float(one["offset_seconds"])
    ticks = max(0, int((asked["seconds"] - offset) / period))
    return Task(one["kind"], one["url"], period, zero + offset, ticks, float(asked["timeout_seconds"]), folder)


if __name__ == "__main__":
    main(sys.argv[1])
