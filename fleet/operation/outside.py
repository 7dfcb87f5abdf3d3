"""What of a host answers to the outside: a TCP connect to ports of its public address, from outside the fleet.

Runs *where it is sent* (standard library only). Arguments: the ports as ``1-1024,8080``, then addresses; the output is
one JSON document ``{address: [open ports]}``. A port counts as open when the connection is accepted.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys

AT_ONCE = 4000
"""Half-open connections at a time: well below the 28,000 local ports of a default Linux."""
WAIT_SECONDS = 1.5
"""Silence beyond this is a dropped packet: several times the longest round trip between two regions."""


def ports(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


async def answers(address: str, port: int, slots: asyncio.Semaphore) -> int | None:
    async with slots:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), WAIT_SECONDS)
        except (TimeoutError, OSError):
            return None
        writer.close()
        return port


async def scan(wanted: list[int], addresses: list[str]) -> dict[str, list[int]]:
    slots = asyncio.Semaphore(AT_ONCE)
    found: dict[str, list[int]] = {}
    for address in addresses:
        tried = await asyncio.gather(*(answers(address, port, slots) for port in wanted))
        found[address] = [port for port in tried if port is not None]
    return found


if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, AT_ONCE * 2), limit))
    print(json.dumps(asyncio.run(scan(ports(sys.argv[1]), sys.argv[2:]))))
