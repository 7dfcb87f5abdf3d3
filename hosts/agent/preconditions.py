"""What can be judged of a release before the one that runs is touched: room on the disk, ports to publish."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterable

from .machine import Machine
from .report import ReleaseFailed

MARGIN_BYTES = 64 << 20
"""Free space beyond what a release asks for: logs, layers of containers, a second copy of its files."""


def need_room(place: str, wanted: int, what: str) -> None:
    """Raises ReleaseFailed("space") unless so many bytes and the margin are free where ``place`` is or will be."""
    standing = place
    while not os.path.isdir(standing):
        standing = os.path.dirname(standing)
    status = os.statvfs(standing)
    free = status.f_bavail * status.f_frsize
    if free < wanted + MARGIN_BYTES:
        raise ReleaseFailed(
            "space",
            f"{what} need {(wanted + MARGIN_BYTES) >> 20} MB free at {place}, and there are {free >> 20} MB. Make room "
            "there (`docker system df` shows what Docker holds) or rent a larger disk",
        )


def fit_in_memory(limits: Iterable[int | None]) -> bool:
    """Whether containers with these limits, in bytes, have room beside what runs; no: one of them has no limit."""
    asked = list(limits)
    with open("/proc/meminfo", encoding="ascii") as facts:
        available = next(int(line.split()[1]) << 10 for line in facts if line.startswith("MemAvailable:"))
    return None not in asked and sum(limit or 0 for limit in asked) <= available


def need_ports(machine: Machine, ports: frozenset[tuple[str, int, str]]) -> None:
    """Raises ReleaseFailed("port") if one of these cannot be published: address, port, protocol."""
    for address, port, protocol in sorted(ports):
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, kind) as probe:
            # Without it a connection that has just ended would look like somebody who listens.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
            try:
                probe.bind((address, port))
            except OSError as error:
                reason = _reason(machine, error, address, port, protocol)
                raise ReleaseFailed("port", f"{address}:{port}/{protocol} cannot be published: {reason}") from None


def _reason(machine: Machine, error: OSError, address: str, port: int, protocol: str) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this host has no address {address} now"
    if error.errno != errno.EADDRINUSE:
        return str(error.strerror)
    shown = machine.run("ss", "--no-header", "-lunp" if protocol == "udp" else "-ltnp", f"sport = :{port}").out
    held = sorted(set(re.findall(r'\("([^"]+)",pid=(\d+)', shown)))
    holder = ", ".join(f"{name} (process {pid})" for name, pid in held) or "somebody else"
    return f"{holder} has the port on this host"
