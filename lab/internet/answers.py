"""What the sites say: HTTP/1.1 (RFC 9112) and WebSocket (RFC 6455), with an answer to every path."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from lab.internet.table import Site, Way

SIMULATED = "X-Fleet-Lab"
"""Every answer carries this header: whoever measures can see that it is the lab."""

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FINAL = 0x80
LARGEST_FRAME = 1 << 20

Find = Callable[[str, str], tuple[Site, Way] | None]
"""The site that has an address, and the way to it from a caller's."""


@dataclass(frozen=True)
class Request:
    """The head of a request."""

    method: str
    headers: Mapping[str, str]
    keep_alive: bool

    @property
    def wants_websocket(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket" and "sec-websocket-key" in self.headers


def parse_head(head: bytes) -> Request | None:
    """A request's head up to its empty line; None if it is none."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    fields = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    keep = headers.get("connection", "").lower() != "close" and words[2] == "HTTP/1.1"
    return Request(words[0], headers, keep)


def accept_key(key: str) -> str:
    """What proves to a client that the other side speaks WebSocket."""
    return base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID, usedforsecurity=False).digest()).decode()


async def serve(find: Find, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer on one connection until the caller ends it."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        found = find(writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")[0])
        if found is not None:
            await _converse(*found, reader, writer)
    writer.close()


async def hold_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the caller ends the connection."""
    with contextlib.suppress(OSError):
        while await reader.read(1 << 16):
            pass
    writer.close()


async def _converse(site: Site, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = parse_head(await reader.readuntil(b"\r\n\r\n"))
        if request is None:
            return
        await reader.readexactly(int(request.headers.get("content-length", "0") or 0))
        if way.status == HTTPStatus.OK:
            await asyncio.sleep(way.answer_ms / 1000)
            if request.wants_websocket:
                await _websocket(site, way, request, reader, writer)
                return
        writer.write(_response(site, way.status, request))
        await writer.drain()
        if not request.keep_alive:
            return


def _response(site: Site, status: int, request: Request) -> bytes:
    body = json.dumps({"simulated": True, "serverTime": time.time_ns() // 1_000_000}).encode() + b"\n"
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    if not request.keep_alive:
        headers["Connection"] = "close"
    return _head(site, status, headers) + (b"" if request.method == "HEAD" else body)


def _head(site: Site, status: int, headers: Mapping[str, str]) -> bytes:
    lines = (f"{name}: {value}" for name, value in {**headers, **site.headers, SIMULATED: "simulated"}.items())
    return "\r\n".join((f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", "")).encode("latin-1")


async def _websocket(
    site: Site, way: Way, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    accepted = accept_key(request.headers["sec-websocket-key"])
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accepted}
    writer.write(_head(site, HTTPStatus.SWITCHING_PROTOCOLS, headers))
    while True:
        kind, payload = await _frame(reader)
        if kind == PING:
            # Behind a content network it is the site itself that answers a ping.
            await asyncio.sleep(way.answer_ms / 1000)
            writer.write(_framed(PONG, payload))
        elif kind == CLOSE:
            writer.write(_framed(CLOSE, payload))
            await writer.drain()
            return


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The kind of the next frame, and its payload unmasked."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    if size > LARGEST_FRAME:
        raise OSError(f"a frame of {size} bytes")
    mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def _framed(kind: int, payload: bytes) -> bytes:
    """A frame from a server, which masks nothing; what it sends back is a control frame of at most 125 bytes."""
    return bytes((FINAL | kind, len(payload[:125]))) + payload[:125]
