"""The internet of a lab as one process: its name server, the distance to it, its sites.

Run by the lab inside its network namespace: ``python -m lab.internet.program HOME``. It wakes only for packets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import socket
import ssl
import sys
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from lab.internet import distance
from lab.internet.answers import hold_open, serve
from lab.internet.callers import Callers
from lab.internet.names import NameServer
from lab.internet.setup import MODULE, certificate_of, read_table
from lab.internet.table import Internet, Site, Way
from lab.run import run
from lab.services import pid_file
from lab.settings import LabHome

NAME_PORT = 53
NEAR, FAR = "internet", "line"
"""The interfaces at the lab's end and at the sites'."""
MTU = "1500"
PRIORITY = -15
"""Before everything that is not the system's own (setpriority(2)): it carries packets, and sleeps else."""


class Directory:
    """Who is where: sites by address, callers by address."""

    def __init__(self, home: LabHome, internet: Internet) -> None:
        self.sites = internet.addresses(home.ranges.internet)
        self._callers = Callers(home, internet)

    def find(self, address: str, caller: str) -> tuple[Site, Way] | None:
        site, origin = self.sites.get(address), self._callers.origin(caller)
        way = site.ways.get(origin) if site is not None and origin is not None else None
        return None if site is None or way is None else (site, way)

    def round_trip(self, caller: str, address: str) -> float | None:
        """In seconds; None: no packet passes."""
        found = self.find(address, caller)
        return None if found is None else found[1].round_trip_ms / 1000


async def _answer(home: LabHome, directory: Directory, names: socket.socket, near: int, far: int) -> None:
    loop = asyncio.get_running_loop()
    by_name = {site.name: address for address, site in directory.sites.items()}
    await loop.create_datagram_endpoint(lambda: NameServer(by_name), sock=names)
    distance.connect(loop, near, far, directory.round_trip)
    tls = _tls(home)
    for port in sorted({port for site in directory.sites.values() for port in site.tls_ports}):
        await asyncio.start_server(partial(serve, directory.find), "0.0.0.0", port, ssl=tls)  # noqa: S104 - its own net
    for port in sorted({port for site in directory.sites.values() for port in site.tcp_ports}):
        await asyncio.start_server(hold_open, "0.0.0.0", port)  # noqa: S104 - its own network
    pid_file(home, MODULE).write_text(str(os.getpid()))
    await asyncio.Event().wait()


def _tls(home: LabHome) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    trust = certificate_of(home)
    context.load_cert_chain(trust.certificate, trust.key)
    return context


def _near_side(network: IPv4Network) -> int:
    descriptor = distance.open_interface(NEAR)
    run(["ip", "link", "set", NEAR, "mtu", MTU, "up"])
    run(["ip", "route", "replace", str(network), "dev", NEAR])
    return descriptor


def _far_side(network: IPv4Network) -> int:
    distance.leave_network()
    descriptor = distance.open_interface(FAR)
    run(["ip", "link", "set", "lo", "up"])
    # Every address of the network is this host's own.
    run(["ip", "route", "add", "local", str(network), "dev", "lo"])
    run(["ip", "link", "set", FAR, "mtu", MTU, "up"])
    run(["ip", "route", "add", "default", "dev", FAR, "src", str(network[1])])
    return descriptor


def main(home: LabHome) -> None:
    """Answer until the process is ended."""
    directory = Directory(home, read_table(home))
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((str(home.ranges.resolver_address), NAME_PORT))
    names.setblocking(False)
    near = _near_side(home.ranges.internet)
    far = _far_side(home.ranges.internet)
    with contextlib.suppress(PermissionError):
        # A line does not slow down because a machine at its end is busy.
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    # select(2) waits to the microsecond, epoll(7) to the next millisecond.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(_answer(home, directory, names, near, far))


if __name__ == "__main__":
    main(LabHome(Path(sys.argv[1])))
