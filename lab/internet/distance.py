"""Distance between the lab and its internet: every packet waits as long as half the round trip takes.

Two interfaces made by this process, one in the lab's network and one in a network of the internet's own, and no other
way between them. What waits is the packet, so connecting, TLS and every answer cost what they cost over such a line,
whatever is spoken. (The kernel's own way, netem, is not on every machine that can run a lab.)
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import struct
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address

from lab.errors import LabError

TUN_DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
"""Linux, include/uapi/linux/if_tun.h: IP packets, without a header of the driver's."""
CLONE_NEWNET = 0x40000000
"""Linux, include/uapi/linux/sched.h."""
LARGEST = 65535

RoundTrip = Callable[[str, str], float | None]
"""Seconds between a caller's address and a site's; None: no packet passes."""


def open_interface(name: str) -> int:
    """A new network interface whose packets this process carries; it goes when the process ends.

    Raises:
        LabError: the machine has no such device.
    """
    try:
        descriptor = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise LabError(
            f"the lab's internet needs {TUN_DEVICE}: {error.strerror}; `modprobe tun` may bring it"
        ) from None
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return descriptor


def leave_network() -> None:
    """Give this thread, and what it starts from now on, a network of its own; open sockets stay where they are.

    Raises:
        LabError: not root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise LabError(f"the lab's internet gets no network of its own: {os.strerror(ctypes.get_errno())}")


def connect(loop: asyncio.AbstractEventLoop, near: int, far: int, round_trip: RoundTrip) -> None:
    """Carry packets between the callers' interface and the sites'."""
    loop.add_reader(near, _carry, loop, near, far, lambda source, target: round_trip(source, target))
    loop.add_reader(far, _carry, loop, far, near, lambda source, target: round_trip(target, source))


def _carry(loop: asyncio.AbstractEventLoop, start: int, end: int, round_trip: RoundTrip) -> None:
    while True:
        try:
            packet = os.read(start, LARGEST)
        except BlockingIOError:
            return
        # The IPv4 header has the source from byte 12 and the destination from byte 16 (RFC 791).
        if packet[0] >> 4 != 4:
            continue
        seconds = round_trip(str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20])))
        if seconds is not None:
            loop.call_later(seconds / 2, partial(os.write, end, packet))
