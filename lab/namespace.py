"""The lab's network namespace and its link to the machine.

A second Docker daemon in one namespace destroys the first one's rules, and the clouds' firewalls and translations must
not touch the machine's: so the lab's network is a namespace of its own, reached through one pair of interfaces.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path

from lab.errors import LabError
from lab.run import run, succeeds
from lab.settings import REGISTER, LabHome

NAMESPACES = Path("/run/netns")
METADATA_ADDRESS = "169.254.169.254"
"""Where clouds answer their servers' questions about themselves (link-local, RFC 3927; the same at all three)."""


def inside(home: LabHome) -> list[str]:
    """What to put before a command that runs in the lab's network.

    ``nsenter``, not ``ip netns exec``: that one mounts a new /sys, in which there are no control groups.
    """
    return ["nsenter", f"--net={NAMESPACES / home.namespace}"]


def link_names(home: LabHome) -> tuple[str, str]:
    """The link's interface on the machine and the one in the lab."""
    return f"fl{home.id}-m", f"fl{home.id}-l"


def exists(home: LabHome) -> bool:
    return (NAMESPACES / home.namespace).exists()


def set_up(home: LabHome) -> None:
    """Make the namespace, the link and the route, whatever of them is missing.

    Raises:
        LabError: the machine's own routes or the kernel do not allow it.
    """
    networks = home.ranges
    outer, inner = link_names(home)
    if not exists(home):
        if not NAMESPACES.is_dir() or f" {NAMESPACES} " not in Path("/proc/self/mountinfo").read_text():
            # `ip netns add` turns this folder into a mount; whoever leaves last takes it away.
            (REGISTER / "made-netns-mount").touch()
        run(["ip", "netns", "add", home.namespace])
    namespace = ["ip", "-n", home.namespace]
    if not succeeds(["ip", "link", "show", outer]):
        _refuse_foreign_routes(home)
        run(["ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", home.namespace])
    prefix = networks.link.prefixlen
    run(["ip", "address", "replace", f"{networks.machine}/{prefix}", "dev", outer])
    run(["ip", "link", "set", outer, "up"])
    run(["ip", "route", "replace", str(networks.outside), "via", str(networks.router), "dev", outer])
    run([*namespace, "link", "set", "lo", "up"])
    run([*namespace, "address", "replace", f"{METADATA_ADDRESS}/32", "dev", "lo"])
    run([*namespace, "address", "replace", f"{networks.router}/{prefix}", "dev", inner])
    run([*namespace, "link", "set", inner, "up"])
    run([*namespace, "route", "replace", "default", "via", str(networks.machine)])
    _behave_as_router(home)


def _refuse_foreign_routes(home: LabHome) -> None:
    shown = run(["ip", "-4", "-j", "route", "show", "root", str(home.ranges.base)])
    for route in json.loads(shown or "[]"):
        device = route.get("dev", "?")
        raise LabError(
            f"this machine already routes {route['dst']} to {device}, and the lab needs {home.ranges.base}: "
            f"if that is left over from a lab, `ip link delete {device}` removes it"
        )


def _behave_as_router(home: LabHome) -> None:
    if not Path("/proc/sys/net/bridge").exists():
        # Without it what two servers on one bridge send each other would pass no firewall.
        run(["modprobe", "br_netfilter"])
    values = {
        "net.ipv4.ip_forward": 1,
        "net.ipv4.conf.all.rp_filter": 0,
        "net.ipv4.conf.default.rp_filter": 0,
        "net.ipv4.conf.all.send_redirects": 0,
        "net.ipv4.conf.default.send_redirects": 0,
        "net.bridge.bridge-nf-call-iptables": 1,
        "net.bridge.bridge-nf-call-ip6tables": 1,
        "net.ipv6.conf.all.disable_ipv6": 1,
        "net.ipv6.conf.default.disable_ipv6": 1,
    }
    present = [f"{key}={value}" for key, value in values.items() if Path("/proc/sys", *key.split(".")).exists()]
    run([*inside(home), "sysctl", "-q", "-w", *present])


def take_down(home: LabHome) -> None:
    """Remove the link, the route and the namespace; nothing to do is no error."""
    outer, _ = link_names(home)
    if succeeds(["ip", "link", "show", outer]):
        run(["ip", "link", "delete", outer])
    if exists(home):
        run(["ip", "netns", "delete", home.namespace])
    made = REGISTER / "made-netns-mount"
    if made.exists() and not any(NAMESPACES.iterdir()):
        if succeeds(["umount", str(NAMESPACES)]):
            NAMESPACES.rmdir()
        made.unlink()


def add_local_address(home: LabHome, address: IPv4Address) -> None:
    """Let the lab's router itself have an address, for a server of the lab to listen on."""
    run(["ip", "-n", home.namespace, "address", "replace", f"{address}/32", "dev", "lo"])
