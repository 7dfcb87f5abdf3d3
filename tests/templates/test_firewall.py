"""The host's firewall, loaded by the real nft into network namespaces and tried with real packets.

Four namespaces: the host, the outside, another host of the fleet (behind an interface named as the mesh's) and a
container (behind a bridge), with the port forwarding that Docker would set up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from templates.render import render
from tests.templates.conftest import Port

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("nft") is None or shutil.which("ip") is None,
        reason="needs root, nft and iproute2: it works in network namespaces of its own",
    ),
]

LISTENER = """
import select, socket, sys
sockets = {}
for word in sys.argv[1:]:
    kind, port = word.split(":")
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", int(port)))
    if kind == "tcp":
        s.listen(128)
    sockets[s] = kind
print("ready", flush=True)
while True:
    for s in select.select(list(sockets), [], [])[0]:
        if sockets[s] == "tcp":
            s.accept()[0].close()
        else:
            data, peer = s.recvfrom(64)
            s.sendto(data, peer)
"""

PROBE = """
import socket, sys
kind, address, port, source = sys.argv[1:5]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(0.7)
if source:
    s.bind((source, 0))
try:
    s.connect((address, int(port)))
    if kind == "udp":
        s.send(b"x")
        s.recv(1)
    print("open")
except OSError as error:
    print("closed")
"""

FLOOD = """
import socket, sys
address, port, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for _ in range(connections):
    try:
        socket.create_connection((address, port), timeout=0.3).close()
        print("open")
    except OSError:
        print("closed")
        break
"""


class World:
    """The namespaces, and questions to them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = uuid.uuid4().hex[:8]
        self._listeners: list[subprocess.Popen[str]] = []

    def build(self) -> None:
        for name in ("host", "outside", "fleet", "box"):
            self._run("ip", "netns", "add", self._name(name))
            self.run(name, "ip link set lo up")
        # wan9 rather than eth0: no interface name is assumed.
        self._connect("host", "wan9", "198.18.1.1/24", "outside", "up0", "198.18.1.2/24")
        self._connect("host", "wg0", "10.77.0.1/24", "fleet", "up0", "10.77.0.2/24")
        self._connect("host", "br-test", "198.18.2.1/24", "box", "up0", "198.18.2.2/24")
        self.run("host", "sysctl -qw net.ipv4.ip_forward=1")
        self.run("outside", "ip addr add 169.254.169.254/32 dev lo")
        self.run("host", "ip route add 169.254.169.254 via 198.18.1.2")
        self.run("outside", "ip route add 198.18.2.0/24 via 198.18.1.1")
        self.run("outside", "ip route add 10.77.0.0/24 via 198.18.1.1")
        self.run("fleet", "ip route add default via 10.77.0.1")
        self.run("box", "ip route add default via 198.18.2.1")
        self.load(
            """
            table ip docker {
              chain pre {
                type nat hook prerouting priority dstnat;
                fib daddr type local tcp dport { 8080, 8443, 9000 } dnat to 198.18.2.2:80
              }
              chain post {
                type nat hook postrouting priority srcnat;
                oifname != "br-test" ip saddr 198.18.2.0/24 masquerade
              }
            }
            """
        )
        self._listen("host", "tcp:22", "tcp:443", "tcp:9999", "tcp:9100", "udp:443", "udp:51821", "udp:5353")
        self._listen("box", "tcp:80")
        self._listen("outside", "tcp:80")
        self._listen("fleet", "tcp:80")

    def load(self, text: str) -> None:
        file = self._folder / "rules.nft"
        file.write_text(textwrap.dedent(text))
        self.run("host", f"nft -c -f {file}")
        self.run("host", f"nft -f {file}")

    def probe(self, source: str, kind: str, address: str, port: int, bind: str = "", user: str = "root") -> str:
        command = ["runuser", "-u", user, "--", "python3", "-c", PROBE, kind, address, str(port), bind]
        return self._run("ip", "netns", "exec", self._name(source), *command).strip()

    def flood(self, source: str, address: str, port: int, connections: int) -> list[str]:
        command = ["python3", "-c", FLOOD, address, str(port), str(connections)]
        return self._run("ip", "netns", "exec", self._name(source), *command).split()

    def run(self, name: str, command: str) -> str:
        return self._run("ip", "netns", "exec", self._name(name), *command.split())

    def close(self) -> None:
        for listener in self._listeners:
            listener.kill()
            listener.communicate()
        for name in ("host", "outside", "fleet", "box"):
            subprocess.run(["ip", "netns", "delete", self._name(name)], capture_output=True)

    def _connect(self, first: str, link: str, address: str, second: str, far_link: str, far_address: str) -> None:
        pair = ("type", "veth", "peer", "name", far_link, "netns", self._name(second))
        self._run("ip", "-n", self._name(first), "link", "add", link, *pair)
        for name, device, own in ((first, link, address), (second, far_link, far_address)):
            self.run(name, f"ip addr add {own} dev {device}")
            self.run(name, f"ip link set {device} up")

    def _listen(self, name: str, *ports: str) -> None:
        command = ["ip", "netns", "exec", self._name(name), "python3", "-c", LISTENER, *ports]
        listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._listeners.append(listener)
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"

    def _name(self, name: str) -> str:
        return f"fleet-{self._mark}-{name}"

    @staticmethod
    def _run(*command: str) -> str:
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, f"{' '.join(command)}: {result.stderr}"
        return result.stdout


@pytest.fixture(scope="module")
def bare_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("firewall"))
    try:
        world.build()
        yield world
    finally:
        world.close()


@pytest.fixture
def world(bare_world: World, firewall: dict[str, Any]) -> World:
    bare_world.load(render("host/fleet.nft.j2", **firewall))
    return bare_world


def test_without_it_everything_is_open(bare_world: World) -> None:
    # What the tests below close is open before: they prove the table, not a dead network.
    for port in (22, 443, 9999, 8080, 8443, 9000):
        assert bare_world.probe("outside", "tcp", "198.18.1.1", port) == "open", port
    assert bare_world.probe("outside", "tcp", "198.18.2.2", 80) == "open"
    assert bare_world.probe("box", "tcp", "169.254.169.254", 80) == "open"
    assert bare_world.probe("outside", "udp", "198.18.1.1", 5353) == "open"
    assert bare_world.probe("outside", "tcp", "10.77.0.1", 443) == "open"


@pytest.mark.parametrize(
    ("kind", "port", "wanted"),
    [
        ("tcp", 22, "open"),
        ("tcp", 443, "open"),
        ("udp", 443, "open"),
        ("udp", 51821, "open"),
        ("tcp", 8443, "open"),  # published by Docker and declared
        ("tcp", 8080, "closed"),  # published by accident
        ("tcp", 9000, "closed"),  # declared, but for the mesh
        ("tcp", 9999, "closed"),
        ("udp", 5353, "closed"),
    ],
)
def test_from_outside_only_declared_ports_answer(world: World, kind: str, port: int, wanted: str) -> None:
    assert world.probe("outside", kind, "198.18.1.1", port) == wanted


@pytest.mark.parametrize(
    ("kind", "port", "wanted"),
    [
        ("tcp", 22, "open"),
        ("tcp", 9000, "open"),
        ("tcp", 443, "closed"),
        ("tcp", 8443, "closed"),
        ("tcp", 9999, "closed"),
        ("udp", 5353, "closed"),
    ],
)
def test_inside_the_mesh_only_what_is_declared_for_it(world: World, kind: str, port: int, wanted: str) -> None:
    assert world.probe("fleet", kind, "10.77.0.1", port) == wanted


@pytest.mark.parametrize("port", [9999, 8080], ids=["of the host", "published by Docker"])
def test_a_port_may_be_for_one_host_of_the_mesh_alone(bare_world: World, firewall: dict[str, Any], port: int) -> None:
    caller = "10.77.0.2"
    for sources, wanted in (((caller,), "open"), (("10.77.0.3",), "closed")):
        bare_world.load(render("host/fleet.nft.j2", **{**firewall, "mesh_ports": [Port("tcp", port, sources)]}))
        assert bare_world.probe("fleet", "tcp", "10.77.0.1", port) == wanted
        assert bare_world.probe("outside", "tcp", "198.18.1.1", port) == "closed"


def test_pings_of_the_mesh_are_never_limited(world: World) -> None:
    assert " 0% packet loss" in world.run("fleet", "ping -q -i 0.002 -c 200 -W 1 10.77.0.1")


def test_mesh_addresses_are_not_reachable_from_outside(world: World) -> None:
    assert world.probe("outside", "tcp", "10.77.0.1", 443) == "closed"
    assert world.probe("outside", "tcp", "10.77.0.1", 9000) == "closed"


def test_the_outside_cannot_pose_as_the_mesh(world: World) -> None:
    world.run("outside", "ip addr add 10.77.0.99/32 dev lo")
    try:
        assert world.probe("outside", "tcp", "198.18.1.1", 443, bind="10.77.0.99") == "closed"
    finally:
        world.run("outside", "ip addr del 10.77.0.99/32 dev lo")


def test_a_containers_own_address_is_not_reachable(world: World) -> None:
    assert world.probe("outside", "tcp", "198.18.2.2", 80) == "closed"
    assert world.probe("fleet", "tcp", "198.18.2.2", 80) == "closed"


def test_the_mesh_does_not_leave_through_this_host(world: World) -> None:
    assert world.probe("fleet", "tcp", "198.18.1.2", 80) == "closed"


def test_containers_get_out_and_into_the_mesh(world: World) -> None:
    assert world.probe("box", "tcp", "198.18.1.2", 80) == "open"
    assert world.probe("box", "tcp", "10.77.0.2", 80) == "open"


def test_containers_reach_of_the_host_only_what_the_mesh_may(world: World) -> None:
    assert world.probe("box", "tcp", "198.18.2.1", 9100) == "open"
    assert world.probe("box", "tcp", "198.18.2.1", 22) == "closed"


def test_the_metadata_service_is_closed_to_containers_and_users(world: World) -> None:
    assert world.probe("box", "tcp", "169.254.169.254", 80) == "closed"
    assert world.probe("host", "tcp", "169.254.169.254", 80) == "open"
    assert world.probe("host", "tcp", "169.254.169.254", 80, user="nobody") == "closed"


def test_drops_are_counted(world: World) -> None:
    assert world.probe("outside", "tcp", "198.18.1.1", 9999) == "closed"
    counter = world.run("host", "nft list counter inet fleet input_dropped")
    assert "packets 0 " not in counter


def test_large_segments_are_cut_to_the_tunnel(world: World) -> None:
    world.run("host", "ip link set wg0 mtu 1420")
    route = world.run("host", "nft list chain inet fleet forward_segment_size")
    assert "maxseg size set rt mtu" in route
    assert world.probe("box", "tcp", "10.77.0.2", 80) == "open"


def test_loading_twice_replaces_the_table_and_touches_no_other(world: World, firewall: dict[str, Any]) -> None:
    docker = world.run("host", "nft list table ip docker")
    once = world.run("host", "nft list table inet fleet")
    world.load(render("host/fleet.nft.j2", **firewall))
    assert world.run("host", "nft list table inet fleet").count("chain") == once.count("chain")
    assert world.run("host", "nft list table ip docker") == docker


def test_ssh_is_limited_per_source_and_only_when_it_comes_in_floods(world: World) -> None:
    answers = world.flood("outside", "198.18.1.1", 22, connections=80)
    assert answers[:60] == ["open"] * 60  # a roll-out, its retries and a person beside it
    assert "closed" in answers
    assert world.probe("fleet", "tcp", "10.77.0.1", 22) == "open"


def test_a_guest_keeps_what_it_declared(bare_world: World, firewall: dict[str, Any]) -> None:
    bare_world.load(render("host/fleet.nft.j2", **{**firewall, "guest": True, "local_interfaces": ["docker0", "br-*"]}))
    assert bare_world.probe("outside", "tcp", "198.18.1.1", 8443) == "open"
    assert bare_world.probe("outside", "tcp", "198.18.1.1", 8080) == "closed"
    assert bare_world.probe("box", "tcp", "198.18.2.1", 22) == "open"  # its containers go on as before
    assert bare_world.probe("box", "tcp", "169.254.169.254", 80) == "open"  # its user data is not ours


@pytest.mark.parametrize("guest", [True, False])
def test_no_declared_port_at_all_is_valid(bare_world: World, firewall: dict[str, Any], guest: bool) -> None:
    nothing = {**firewall, "guest": guest, "public_ports": [], "mesh_ports": []}
    bare_world.load(render("host/fleet.nft.j2", **nothing))
    assert bare_world.probe("outside", "tcp", "198.18.1.1", 443) == "closed"
    assert bare_world.probe("outside", "tcp", "198.18.1.1", 22) == "open"
