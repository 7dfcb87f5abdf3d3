"""What of a host answers to the outside: a connect to every TCP port of its public address, from outside the fleet.

Runs *where it is sent* (standard library only): arguments are addresses, the output is one JSON document
``{address: [open ports]}``. A port counts as open when the connection is accepted.
"""

from __future__ import annotations

import asyncio
import json
import sys

PORTS = range(1, 65536)
AT_ONCE = 1500
"""Half-open connections at a time: below the usual limit of 20,000+ local ports and fast enough for all ports."""
WAIT_SECONDS = 1.5
"""Silence beyond this is a dropped packet: several times the longest round trip between two regions."""


async def answers(address: str, port: int, slots: asyncio.Semaphore) -> int | None:
    async with slots:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), WAIT_SECONDS)
        except (OSError, asyncio.TimeoutError):
            return None
        writer.close()
        return port


async def scan(addresses: list[str]) -> dict[str, list[int]]:
    slots = asyncio.Semaphore(AT_ONCE)
    found: dict[str, list[int]] = {}
    for address in addresses:
        tried = await asyncio.gather(*(answers(address, port, slots) for port in PORTS))
        found[address] = [port for port in tried if port is not None]
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scan(sys.argv[1:]))))
