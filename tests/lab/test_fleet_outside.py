"""What of the fleet is reachable, proven by trying: for a stranger, for another host of it, inside the mesh."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources

import pytest

from fleet.rehearsal.outside import ALL, open_ports
from lab import state
from lab.machines import Machines
from lab.server import OPEN
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

ACCIDENT = 9999
"""A port that somebody publishes without declaring it."""


def scan(fleet: StandingFleet, host: str, ports: str, address: str) -> list[int]:
    """TCP ports of an address that answer to a host."""
    script = (resources.files("fleet.operation") / "outside.py").read_text()
    found = json.loads(fleet.on(host, "python3", "-c", script, ports, address))
    return list(found[address])


def test_of_all_ports_a_stranger_finds_only_the_declared_ones(fleet: StandingFleet) -> None:
    found = open_ports(fleet.lab, fleet.stand.hosts(), ALL)
    # The hub is a guest's visit: no provider's firewall of ours, so its own ssh is there as it was; 8080 is declared.
    expected = {host.ref.id: (22, 8080) if host.ref.id == "hub" else () for host in fleet.stand.hosts()}
    assert found == expected


def test_another_host_of_the_fleet_finds_no_port_on_the_public_address(fleet: StandingFleet) -> None:
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    assert scan(fleet, "nj", "1-10000", addresses["sg"]) == []
    assert scan(fleet, "hub", "1-10000", addresses["nj"]) == []


def test_inside_the_mesh_only_what_the_bundles_declare_answers(fleet: StandingFleet, eventually: Eventually) -> None:
    # ssh, both instances of the Redis cluster, QuestDB's SQL and metrics; its port for writing is the hub's alone.
    for host, other, declared in (
        ("hub", "nj", {22, 7001, 7002, 8812, 9000, 9003}),
        ("nj", "sg", {22, 7001, 7002, 8812, 9003}),
    ):
        answered: set[int] = set()

        # Asked again where one is missing: of thousands of packets at once a busy machine loses some of the mesh's.
        def all_declared(
            host: str = host, other: str = other, declared: set[int] = declared, answered: set[int] = answered
        ) -> bool:
            answered.update(scan(fleet, host, "1-10000", fleet.mesh_address(other)))
            assert answered <= declared
            return answered == declared

        eventually(all_declared)


def test_udp_beside_the_mesh_ports_is_dropped_and_counted(fleet: StandingFleet) -> None:
    """Probes to UDP get no answer either way; the counters of the firewalls tell who took them."""
    host = next(host for host in fleet.stand.hosts() if host.ref.id == "hub")
    before = dropped(fleet, "hub")
    probe = "import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" + (
        "for port in map(int, sys.argv[2:]):\n for _ in range(5): s.sendto(b'?', (sys.argv[1], port))"
    )
    fleet.on("venue", "python3", "-c", probe, host.address, "53", "123", "5353", "51822")
    assert dropped(fleet, "hub") - before >= 20
    blocked = fleet.lab.blocked()["nj"]
    nj = next(host for host in fleet.stand.hosts() if host.ref.id == "nj")
    fleet.on("venue", "python3", "-c", probe, nj.address, "53", "123", "5353", "51822")
    assert fleet.lab.blocked()["nj"] - blocked >= 20, "in front of a rented host the provider's firewall takes them"


def dropped(fleet: StandingFleet, host: str) -> int:
    listed = json.loads(fleet.on(host, "nft", "-j", "list", "counters", "table", "inet", "fleet"))
    return sum(
        entry["counter"]["packets"]
        for entry in listed["nftables"]
        if entry.get("counter", {}).get("name") == "input_dropped"
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
        assert scan(fleet, "venue", f"22,{ACCIDENT}", nj.address) == [22], "only the provider's firewall hides ssh"
        assert scan(fleet, "hub", str(ACCIDENT), nj.address) == []
        assert scan(fleet, "hub", str(ACCIDENT), fleet.mesh_address("nj")) == []
    finally:
        fleet.on("nj", "docker", "rm", "--force", "accident")
        # A refresh tells the program's own firewall group to the provider again.
        fleet.on("nj", "docker", "image", "rm", "accident:1")
        restore_firewall(fleet, machine)
    assert scan(fleet, "venue", "22", nj.address) == []


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
