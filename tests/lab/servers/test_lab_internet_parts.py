"""Parts of the lab's internet that need neither root nor servers: its table, its name server, what its sites say."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.internet import answers
from lab.internet.distance import connect
from lab.internet.names import reply
from lab.internet.table import Internet, Site, Way, from_text, to_text
from lab.state import Machine

BROKER = Site(
    "api.broker.example", {"east": Way(20.0), "west": Way(80.5, 40.0, 451)}, (443, 9443), (4001,), {"Via": "1"}
)
INTERNET = Internet(
    (BROKER, replace(BROKER, name="data.example")), {"hub": "south", "vultr/ewr": "east", "aws/us-east-2": "west"}
)


def test_a_table_is_read_as_it_was_written() -> None:
    assert from_text(to_text(INTERNET)) == INTERNET


def test_each_site_has_an_address_of_its_own() -> None:
    given_out = INTERNET.addresses(IPv4Network("198.18.24.0/24"))
    assert {address: site.name for address, site in given_out.items()} == {
        "198.18.24.2": "api.broker.example",
        "198.18.24.3": "data.example",
    }


@pytest.mark.parametrize(
    ("provider", "labels", "origin"),
    [
        ("existing", {}, "south"),
        ("vultr", {"region": "ewr"}, "south"),
        ("aws", {"zone": "us-east-2b"}, "south"),
        ("nobody", {}, "south"),
    ],
)
def test_a_server_that_is_named_in_the_table_is_where_the_table_says(
    provider: str, labels: dict[str, str], origin: str
) -> None:
    machine = Machine("id", "hub", provider, "direct", "198.18.0.100", labels=labels)
    assert INTERNET.origin_of(machine) == origin


@pytest.mark.parametrize(
    ("provider", "labels", "origin"),
    [("vultr", {"region": "ewr"}, "east"), ("aws", {"zone": "us-east-2b"}, "west"), ("vultr", {"region": "ord"}, None)],
)
def test_any_other_server_is_where_its_provider_put_it(
    provider: str, labels: dict[str, str], origin: str | None
) -> None:
    assert INTERNET.origin_of(Machine("id", "probe", provider, "direct", "198.18.0.100", labels=labels)) == origin


ADDRESSES = {"api.broker.example": "198.18.24.2"}


A, AAAA = 1, 28
NO_ERROR, NO_SUCH_NAME = 0, 3


def query(name: str, kind: int) -> bytes:
    """A query as resolvers send it (RFC 1035, 4.1), with an additional record of EDNS that may be left unanswered."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    extended = b"\x00" + struct.pack("!HHIH", 41, 1232, 0, 0)
    return b"id" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 1) + labels + b"\x00" + struct.pack("!HH", kind, 1) + extended


def resolved(name: str, kind: int) -> tuple[int, tuple[str, ...]]:
    """The code and the addresses of the reply."""
    asked = query(name, kind)
    answered = reply(asked, ADDRESSES)
    assert answered is not None
    id, flags, questions, found, _, _ = struct.unpack_from("!2sHHHHH", answered)
    assert (id, flags >> 15, questions) == (b"id", 1, 1)
    question = asked[12 : 12 + len(name) + 2 + 4]
    assert answered[12 : 12 + len(question)] == question
    records = answered[12 + len(question) :]
    assert len(records) == 16 * found
    return flags & 0xF, tuple(str(IPv4Address(records[at + 12 : at + 16])) for at in range(0, len(records), 16))


def test_a_name_is_answered_with_its_address_whatever_its_letters() -> None:
    for name in ("api.broker.example", "API.Broker.example"):
        assert resolved(name, A) == (NO_ERROR, ("198.18.24.2",))


def test_a_name_without_an_ipv6_address_exists_all_the_same() -> None:
    assert resolved("api.broker.example", AAAA) == (NO_ERROR, ())


def test_an_unknown_name_does_not_exist() -> None:
    assert resolved("broker.example", A) == (NO_SUCH_NAME, ())


@given(st.binary(max_size=80))
def test_no_datagram_disturbs_the_name_server(datagram: bytes) -> None:
    answered = reply(datagram, ADDRESSES)
    assert answered is None or answered[:2] == datagram[:2]


def test_the_key_of_the_websocket_standards_example_is_accepted_as_there() -> None:
    assert answers.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"GET /time HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET /time HTTP/1.1\r\nconnection: Close\r\n\r\n", False),
        (b"GET /time HTTP/1.0\r\n\r\n", False),
    ],
)
def test_a_connection_stays_as_long_as_the_caller_wants(head: bytes, keeps: bool) -> None:
    request = answers.parse_head(head)
    assert request is not None
    assert request.keep_alive is keeps


def test_what_is_no_request_is_none() -> None:
    assert answers.parse_head(b"\x16\x03\x01\r\n\r\n") is None


def conversation(way: Way, *sent: bytes) -> bytes:
    """What a site answers on one plain connection."""

    async def talk() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await answers.serve(lambda address, caller: (BROKER, way), reader, writer)

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.writelines(sent)
        writer.write_eof()
        said = await reader.read()
        writer.close()
        server.close()
        return said

    return asyncio.run(talk())


def test_requests_on_one_connection_are_answered_in_turn() -> None:
    one = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    with_body = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    said = conversation(Way(0.0), one, with_body, one)
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert said.count(b"\r\nVia: 1\r\n") == 3
    assert said.count(b"\r\nX-Fleet-Lab: simulated\r\n") == 3


def test_a_refused_caller_gets_the_status_and_no_websocket() -> None:
    upgrade = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    said = conversation(Way(0.0, status=451), upgrade)
    assert said.startswith(b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n")
    assert b"101 Switching" not in said


@pytest.mark.parametrize("size", [0, 8, 125])
def test_a_masked_ping_is_answered_with_its_payload(size: int) -> None:
    upgrade = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    payload, mask = bytes(range(size)), b"\x11\x22\x33\x44"
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    ping = bytes((0x89, 0x80 | size)) + mask + masked
    text = bytes((0x81, 0x80 | 126)) + struct.pack("!H", 200) + bytes(4) + b"x" * 200
    said = conversation(Way(0.0), upgrade, text, ping)
    assert said.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert said.endswith(b"\r\n\r\n" + bytes((0x8A, size)) + payload)


def test_packets_of_whoever_is_nowhere_do_not_pass() -> None:
    known, nowhere = bytes((198, 18, 0, 100)), bytes((198, 18, 0, 101))
    site = bytes((198, 18, 24, 2))

    def packet(source: bytes, target: bytes) -> bytes:
        return b"\x45" + bytes(11) + source + target

    async def carried() -> list[bytes]:
        # Two pairs of sockets that keep packets apart stand for the two interfaces.
        lab, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        far, sites = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in (near, far):
            one.setblocking(False)
        loop = asyncio.get_running_loop()
        connect(loop, near.fileno(), far.fileno(), lambda caller, _: 0.01 if caller == "198.18.0.100" else None)
        lab.send(b"\x60" + bytes(39))
        lab.send(packet(nowhere, site))
        lab.send(packet(known, site))
        came = await loop.run_in_executor(None, os.read, sites.fileno(), 100)
        sites.send(packet(site, known))
        back = await loop.run_in_executor(None, os.read, lab.fileno(), 100)
        for one in (near, far):
            loop.remove_reader(one.fileno())
        for one in (lab, near, far, sites):
            one.close()
        return [came, back]

    assert asyncio.run(carried()) == [packet(known, site), packet(site, known)]
