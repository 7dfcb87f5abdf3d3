"""The lab's name server (RFC 1035): answers with the addresses of the internet's sites, and knows no other name."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import cast

A, IN = 1, 1
ANSWER, NO_SUCH_NAME = 0x8580, 0x8583
"""Flags: an authoritative answer, recursion desired and available; the second with the code of an unknown name."""
TTL_SECONDS = 60
QUESTION_NAME = 0xC00C
"""A pointer to the name in the question, which begins at byte 12."""


def reply(query: bytes, addresses: Mapping[str, str]) -> bytes | None:
    """The reply to one query; None to what is not a query of one question."""
    if len(query) < 12 or struct.unpack_from("!H", query, 4)[0] != 1 or query[2] & 0x80:
        return None
    labels, at = [], 12
    while at < len(query) and (size := query[at]):
        labels.append(query[at + 1 : at + 1 + size])
        at += 1 + size
    question = query[12 : at + 5]
    if at + 5 > len(query):
        return None
    kind, of_class = struct.unpack_from("!HH", query, at + 1)
    name = b".".join(labels).decode("ascii", "replace").lower()
    address = addresses.get(name)
    found = address is not None and (kind, of_class) == (A, IN)
    header = query[:2] + struct.pack("!HHHHH", ANSWER if address else NO_SUCH_NAME, 1, int(found), 0, 0)
    if not found:
        return header + question
    record = struct.pack("!HHHIH", QUESTION_NAME, A, IN, TTL_SECONDS, 4) + IPv4Address(address).packed
    return header + question + record


class NameServer(asyncio.DatagramProtocol):
    """Answers datagrams."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What asyncio gives is one, and does not say so by its class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = reply(data, self._addresses)
        if answer is not None:
            self._transport.sendto(answer, addr)
