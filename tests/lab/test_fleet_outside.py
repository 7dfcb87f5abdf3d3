"""What of the fleet is reachable, proven by trying: for a stranger, for a host of it, inside the mesh, over IPv6."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from itertools import permutations

import pytest

from fleet.rehearsal.outside import ALL, open_ports
from lab import namespace, network, state
from lab.machines import Machines
from lab.server import OPEN
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

HOSTS = ("hub", "nj", "sg")
SCANNER = (resources.files("fleet.operation") / "outside.py").read_text()

ACCIDENT = 9999
"""A port that somebody publishes without declaring it."""


def scan(fleet: StandingFleet, host: str, ports: str, *addresses: str) -> dict[str, set[int]]:
    """TCP ports of addresses that answer to a host, by address."""
    found = json.loads(fleet.on(host, "python3", "-c", SCANNER, ports, *addresses))
    return {address: set(answered) for address, answered in found.items()}


def scan_among(fleet: StandingFleet, ports: str, address: Mapping[str, str]) -> dict[tuple[str, str], set[int]]:
    """What of each host's address answers to each other host, all hosts looking at the same time."""

    def looking(host: str) -> dict[tuple[str, str], set[int]]:
        others = {address[other]: other for other in HOSTS if other != host}
        return {(host, others[known]): answered for known, answered in scan(fleet, host, ports, *others).items()}

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        return {pair: answered for seen in pool.map(looking, HOSTS) for pair, answered in seen.items()}


def test_of_all_ports_a_stranger_finds_only_the_declared_ones(fleet: StandingFleet, eventually: Eventually) -> None:
    found = open_ports(fleet.lab, fleet.stand.hosts(), ALL)
    # The hub is a guest's visit: no provider's firewall of ours, so its own ssh is there as it was; 8080 is declared.
    expected = {host.ref.id: (22, 8080) if host.ref.id == "hub" else () for host in fleet.stand.hosts()}
    undeclared = {host: set(ports) - set(expected[host]) for host, ports in found.items()}
    assert undeclared == {host: set() for host in expected}
    # Among so many packets the answer of an open one may have been lost.
    eventually(lambda: open_ports(fleet.lab, fleet.stand.hosts(), "22,8080") == expected)


def is_just(
    fleet: StandingFleet,
    found: dict[tuple[str, str], set[int]],
    declared: Mapping[tuple[str, str], set[int]],
    address: Mapping[str, str],
    eventually: Eventually,
) -> None:
    """Nothing answered that is not declared, and everything that is declared answers.

    Asked again where one is missing: of thousands of packets at once a busy machine loses some.
    """
    assert {pair: answered - declared[pair] for pair, answered in found.items() if answered - declared[pair]} == {}

    def every_declared_one_answers() -> bool:
        for (one, other), answered in found.items():
            if missing := declared[one, other] - answered:
                answered |= scan(fleet, one, ",".join(map(str, missing)), address[other])[address[other]]
        return found == declared

    eventually(every_declared_one_answers)


def test_another_host_of_the_fleet_finds_no_port_on_the_public_address(
    fleet: StandingFleet, eventually: Eventually
) -> None:
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    # The hub as a stranger finds it, and nothing more.
    declared = {(one, other): {22, 8080} if other == "hub" else set() for one, other in permutations(HOSTS, 2)}
    is_just(fleet, scan_among(fleet, ALL, addresses), declared, addresses, eventually)


def test_inside_the_mesh_only_what_the_bundles_declare_answers(fleet: StandingFleet, eventually: Eventually) -> None:
    # ssh, both instances of the Redis cluster with their bus, QuestDB's SQL and metrics; a replica's port for writing
    # is the hub's alone, and the hub's gateway every host's.
    shared = {22, 7001, 7002, 8812, 9003, 17001, 17002}
    declared = {
        (one, other): shared | ({5000} if other == "hub" else set()) | ({9000} if one == "hub" else set())
        for one, other in permutations(HOSTS, 2)
    }
    addresses = {host: fleet.mesh_address(host) for host in HOSTS}
    is_just(fleet, scan_among(fleet, "1-20000", addresses), declared, addresses, eventually)


PROBE = """\
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in map(int, sys.argv[2:]):
    for _ in range(5):
        s.sendto(b"?", (sys.argv[1], port))
"""
CLOSED_UDP = ("53", "123", "5353", "9999")
"""Ports that nobody declared. A probe to UDP gets no answer either way: the firewalls' counters tell who took it."""
PROBES = 5 * len(CLOSED_UDP)


def test_udp_beside_the_mesh_ports_is_dropped_and_counted(fleet: StandingFleet) -> None:
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    for host in HOSTS:
        for prober in ("venue", *(other for other in HOSTS if other != host)):
            before = taken(fleet, host)
            fleet.on(prober, "python3", "-c", PROBE, addresses[host], *CLOSED_UDP, "51822")
            assert taken(fleet, host) - before >= PROBES + 5, (prober, host)


def taken(fleet: StandingFleet, host: str) -> int:
    """Packets that the firewall before a host kept from it: its provider's, or the hub's own."""
    return dropped(fleet, host) if host == "hub" else fleet.lab.blocked()[host]


def test_udp_that_nobody_declared_is_dropped_inside_the_mesh(fleet: StandingFleet, eventually: Eventually) -> None:
    # The mesh's own port is for the outside: inside the tunnel it is closed like any other.
    for one, other in permutations(HOSTS, 2):
        before = dropped(fleet, other)

        def counted(one: str = one, other: str = other, before: int = before) -> bool:
            fleet.on(one, "python3", "-c", PROBE, fleet.mesh_address(other), *CLOSED_UDP, "51820")
            return dropped(fleet, other) - before >= PROBES + 5

        eventually(counted)


def dropped(fleet: StandingFleet, host: str, counter: str = "input_dropped") -> int:
    """Packets that a host's own table stopped."""
    listed = json.loads(fleet.on(host, "nft", "-j", "list", "counters", "table", "inet", "fleet"))
    return sum(
        entry["counter"]["packets"] for entry in listed["nftables"] if entry.get("counter", {}).get("name") == counter
    )


def test_a_port_published_by_accident_is_closed_even_without_the_providers_firewall(fleet: StandingFleet) -> None:
    machine = state.load(fleet.lab.home).named("nj").id
    nj = next(host for host in fleet.stand.hosts() if host.ref.id == "nj")
    fleet.on("nj", "docker", "import", "/usr/share/lab/busybox.tar", "accident:1")
    published = ["-p", f"0.0.0.0:{ACCIDENT}:80", "accident:1", "httpd", "-f", "-p", "80"]
    fleet.on("nj", "docker", "run", "--detach", "--name", "accident", *published)
    machines = Machines(fleet.lab.home)
    try:
        machines.set_firewall(machine, OPEN)
        fleet.on("nj", "python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {ACCIDENT}), 5)")
        found = scan(fleet, "venue", f"22,{ACCIDENT}", nj.address)
        assert found == {nj.address: {22}}, "only the provider's firewall hides ssh"
        for address in (nj.address, fleet.mesh_address("nj")):
            assert scan(fleet, "hub", str(ACCIDENT), address) == {address: set()}
    finally:
        fleet.on("nj", "docker", "rm", "--force", "accident")
        # A refresh tells the program's own firewall group to the provider again.
        fleet.on("nj", "docker", "image", "rm", "accident:1")
        restore_firewall(fleet, machine)
    assert scan(fleet, "venue", "22", nj.address) == {nj.address: set()}


def restore_firewall(fleet: StandingFleet, machine: str) -> None:
    """Put the declared rules back in front of New Jersey."""
    from lab.server import ANYWHERE, Rule

    operator = f"{fleet.lab.home.ranges.machine}/32"
    rules = (
        Rule("tcp", "22", (operator,)),
        Rule("udp", "51820-51821", ANYWHERE),
        Rule("icmp", "", ANYWHERE),
    )
    Machines(fleet.lab.home).set_firewall(machine, rules)


def test_no_host_speaks_ipv6_to_the_outside(fleet: StandingFleet) -> None:
    for host in ("nj", "sg"):
        assert fleet.on(host, "cat", "/proc/sys/net/ipv6/conf/all/disable_ipv6").strip() == "1"
        rules = fleet.on(host, "nft", "list", "chain", "inet", "fleet", "input_wan")
        assert 'meta nfproto ipv6 counter name "input_dropped" drop' in rules
        guard = fleet.on(host, "nft", "list", "chain", "inet", "fleet", "forward_guard")
        assert 'meta nfproto ipv6 counter name "forward_dropped" drop' in guard


def test_over_ipv6_a_port_published_by_accident_is_closed_even_where_ipv6_is_on(
    fleet: StandingFleet, eventually: Eventually
) -> None:
    """The outside is the router before New Jersey, on the same link, behind the provider's firewall: what keeps it out
    is the host alone."""
    host_accidents = f"{ACCIDENT}-{ACCIDENT + 1}"
    with ipv6_between_router_and(fleet, "nj") as reached, accidents_over_ipv6(fleet, "nj"):
        # The link carries IPv6 both ways, as the host answers who it is; and what is published listens.
        eventually(lambda: reached.neighbour(IPV6_HOST))
        own = scan(fleet, "nj", host_accidents, IPV6_HOST)[IPV6_HOST]
        assert own == {ACCIDENT, ACCIDENT + 1}
        before = dropped(fleet, "nj"), dropped(fleet, "nj", "forward_dropped")

        assert reached.ports(host_accidents, IPV6_HOST) == set()
        assert reached.ports("80", IPV6_CONTAINER) == set()

        assert dropped(fleet, "nj") - before[0] >= len(own)
        assert dropped(fleet, "nj", "forward_dropped") - before[1] >= 1
        # The same attempts get through as soon as the host's table is gone: nothing else was in their way.
        fleet.on("nj", "nft", "delete", "table", "inet", "fleet")
        try:
            assert reached.ports(host_accidents, IPV6_HOST) == own
            assert reached.ports("80", IPV6_CONTAINER) == {80}
        finally:
            fleet.on("nj", "nft", "-f", "/etc/fleet/fleet.nft")
        assert reached.ports(host_accidents, IPV6_HOST) == set()


IPV6_LINK, IPV6_BRIDGE = "fd00:f1ee:7:1::", "fd00:f1ee:7:2::"
"""Two /64 of the locally assigned range (RFC 4193), of this test alone: the host's link and its containers' network."""
IPV6_ROUTER, IPV6_HOST, IPV6_CONTAINER = f"{IPV6_LINK}1", f"{IPV6_LINK}2", f"{IPV6_BRIDGE}80"


@dataclass(frozen=True)
class FromTheRouter:
    """What of a host's link the router of the lab reaches over IPv6."""

    inside: tuple[str, ...]
    """What to put before a command that runs on the router."""
    link: str

    def ports(self, ports: str, address: str) -> set[int]:
        """TCP ports that answer."""
        return set(json.loads(self.run(sys.executable, "-c", SCANNER, ports, address))[address])

    def neighbour(self, address: str) -> bool:
        """Whether the address has told its link layer's address; asks for it."""
        self.ports("22", address)
        return "lladdr" in self.run("ip", "-6", "neighbour", "show", address, "dev", self.link)

    def run(self, *argv: str) -> str:
        return subprocess.run([*self.inside, *argv], capture_output=True, text=True, check=True).stdout


@contextmanager
def ipv6_between_router_and(fleet: StandingFleet, host: str) -> Iterator[FromTheRouter]:
    """The lab's router and a host of Vultr speak IPv6 on their link, which neither does by itself."""
    home = fleet.lab.home
    link = network.bridge_name(home, "vultr")
    router = FromTheRouter(tuple(namespace.inside(home)), link)
    try:
        router.run("sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=0")
        router.run("ip", "-6", "address", "add", f"{IPV6_ROUTER}/64", "dev", link, "nodad")
        router.run("ip", "-6", "route", "add", f"{IPV6_BRIDGE}/64", "via", IPV6_HOST, "dev", link)
        fleet.on(host, "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0", "net.ipv6.conf.eth0.disable_ipv6=0")
        fleet.on(host, "ip", "-6", "address", "add", f"{IPV6_HOST}/64", "dev", "eth0", "nodad")
        yield router
    finally:
        # Addresses and routes go with it.
        router.run("sysctl", "-qw", f"net.ipv6.conf.{link}.disable_ipv6=1")
        fleet.on(host, "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1", "net.ipv6.conf.eth0.disable_ipv6=1")


@contextmanager
def accidents_over_ipv6(fleet: StandingFleet, host: str) -> Iterator[None]:
    """Containers that offer themselves over IPv6 in each way there is: a port published on every address, the host's
    own network, and a network whose addresses are routed."""
    server = ["accident:1", "httpd", "-f", "-p"]
    fleet.on(host, "docker", "import", "/usr/share/lab/busybox.tar", "accident:1")
    forwarding = fleet.on(host, "sysctl", "-n", "net.ipv6.conf.all.forwarding").strip()
    try:
        fleet.on(host, "docker", "network", "create", "--ipv6", "--subnet", f"{IPV6_BRIDGE}/64", "accident")
        fleet.on(
            host,
            *("docker", "run", "--detach", "--name", "accident-published", "--network", "accident"),
            *("--ip6", IPV6_CONTAINER, "-p", f"[::]:{ACCIDENT}:80", *server, "[::]:80"),
        )
        in_host_network = ("--name", "accident-host", "--network", "host")
        fleet.on(host, "docker", "run", "--detach", *in_host_network, *server, f"[::]:{ACCIDENT + 1}")
        # Docker turns it on with the first network of that kind; where it does not, its owner would have.
        fleet.on(host, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        yield
    finally:
        fleet.lab.run(host, ["docker", "rm", "--force", "accident-published", "accident-host"])
        fleet.lab.run(host, ["docker", "network", "rm", "accident"])
        fleet.on(host, "docker", "image", "rm", "accident:1")
        fleet.on(host, "sysctl", "-qw", f"net.ipv6.conf.all.forwarding={forwarding}")


def test_containers_do_not_reach_the_metadata_service(fleet: StandingFleet) -> None:
    fleet.on("nj", "docker", "import", "/usr/share/lab/busybox.tar", "curious:1")
    ask = ["wget", "-T", "3", "-q", "-O", "-", "http://169.254.169.254/"]
    try:
        done = fleet.lab.run("nj", ["docker", "run", "--rm", "curious:1", *ask])
        assert done.code != 0
        in_host_network = ["docker", "run", "--rm", "--user", "1000", "--network", "host", "curious:1", *ask]
        assert fleet.lab.run("nj", in_host_network).code != 0
    finally:
        fleet.on("nj", "docker", "image", "rm", "--force", "curious:1")
