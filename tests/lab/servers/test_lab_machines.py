"""The lab's servers behave as the clouds' do: their addresses, the firewall in front of them, reboot, crash and end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lab import faults, state
from lab.errors import LabError
from lab.lab import Lab
from lab.machines import ANYWHERE, Machines, Rule, ServerAddresses, ServerSpec
from lab.settings import LabHome
from tests.lab.leftovers import left_on_the_machine, machine_facts

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

ECHO_PORT = 5300
ECHO = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", {ECHO_PORT}))
while True:
    data, source = s.recvfrom(2048)
    s.sendto(socket.gethostname().encode(), source)
"""


def spec(name: str, provider: str, kind: str, **more: object) -> ServerSpec:
    return replace(
        ServerSpec(id=f"test-{name}", provider=provider, name=name, user_data="", address_kind=kind),  # type: ignore[arg-type]
        **more,
    )


def seen_from(lab: Lab, host: str) -> str:
    """The address by which the venue sees a server; what went wrong if it is not reached."""
    venue = lab.home.ranges.venue_address
    result = lab.run(host, ["curl", "--silent", "--show-error", "--max-time", "3", f"http://{venue}/whoami"])
    return result.stdout.strip() or result.stderr.strip()


def ask(port: socket.socket, address: str) -> str:
    """Who answers a datagram to ``address``; empty if nobody does."""
    port.settimeout(0.5)
    try:
        port.sendto(b"who", (address, ECHO_PORT))
        return port.recvfrom(2048)[0].decode()
    except (TimeoutError, ConnectionError):
        return ""


def answers(address: str, port: int) -> bool:
    """True if something accepts a TCP connection there."""
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False


def listen_on(lab: Lab, host: str, port: int) -> None:
    command = ["python3", "-m", "http.server", str(port), "--directory", "/usr/share/lab"]
    assert lab.run(host, ["systemd-run", f"--unit=listen-{port}", *command]).code == 0


@contextmanager
def route_through_anchor(lab: Lab, host: str, addresses: ServerAddresses) -> Iterator[None]:
    """What the fleet does on a droplet, so that its traffic leaves by the reserved address."""
    assert addresses.anchor_ip
    ranges = lab.home.ranges
    for gateway, *source in ((ranges.anchor[1], "src", addresses.anchor_ip), (ranges.droplets[1],)):
        route = ["ip", "route", "replace", "default", "via", str(gateway), "dev", "eth0", *source]
        assert lab.run(host, route).code == 0
        if source:
            yield


def own_addresses(lab: Lab, host: str) -> set[str]:
    shown = json.loads(lab.run(host, ["ip", "-4", "-j", "address", "show", "dev", "eth0"]).stdout)
    return {entry["local"] for entry in shown[0]["addr_info"]}


@pytest.fixture(scope="module")
def vultr(lab: Lab, machines: Machines) -> Iterator[str]:
    """A server that was created with a reserved address."""
    address = machines.allocate_address("direct")
    made = machines.create(spec("direct", "vultr", "direct", address=address))
    assert made.main_ip == address
    lab.wait_until_booted("direct")
    yield address
    machines.destroy("test-direct")
    machines.release_address(address)


@pytest.fixture(scope="module")
def droplet(lab: Lab, machines: Machines) -> Iterator[ServerAddresses]:
    yield machines.create(spec("droplet", "digitalocean", "anchor"))
    machines.destroy("test-droplet")


@pytest.fixture(scope="module")
def ec2(lab: Lab, machines: Machines) -> Iterator[ServerAddresses]:
    yield machines.create(spec("ec2", "aws", "nat"))
    machines.destroy("test-ec2")


def test_a_server_has_its_reserved_address_on_its_own_interface(lab: Lab, vultr: str) -> None:
    assert own_addresses(lab, "direct") == {vultr}
    assert seen_from(lab, "direct") == vultr


def test_a_droplet_leaves_by_its_own_address_unless_the_route_goes_through_the_anchor(
    lab: Lab, machines: Machines, droplet: ServerAddresses
) -> None:
    lab.wait_until_booted("droplet")
    reserved = machines.allocate_address("anchor")
    machines.attach_address(reserved, "test-droplet")
    assert own_addresses(lab, "droplet") == {droplet.main_ip, droplet.anchor_ip}
    assert seen_from(lab, "droplet") == droplet.main_ip
    assert answers(reserved, 22)

    with route_through_anchor(lab, "droplet", droplet):
        assert seen_from(lab, "droplet") == reserved
        machines.detach_address(reserved)
        assert "timed out" in seen_from(lab, "droplet")
    assert seen_from(lab, "droplet") == droplet.main_ip
    assert not answers(reserved, 22)
    machines.release_address(reserved)


def test_an_aws_server_sees_a_private_address_only_and_is_seen_by_its_public_one(
    lab: Lab, machines: Machines, ec2: ServerAddresses
) -> None:
    lab.wait_until_booted("ec2")
    assert own_addresses(lab, "ec2") == {ec2.private_ip}
    assert seen_from(lab, "ec2") == ec2.main_ip

    static = machines.allocate_address("nat")
    machines.attach_address(static, "test-ec2")
    assert seen_from(lab, "ec2") == static
    machines.set_firewall("test-ec2", (Rule("tcp", "22", ANYWHERE),))
    assert answers(static, 22)
    # The address that came with the server went when it got a static one.
    assert not answers(ec2.main_ip, 22)
    machines.detach_address(static)
    machines.release_address(static)


def test_an_aws_server_is_closed_until_something_is_declared_open(machines: Machines, lab: Lab) -> None:
    made = machines.create(spec("closed", "aws", "nat"))
    lab.wait_until_booted("closed")
    assert lab.run("closed", ["systemctl", "is-active", "ssh"]).stdout.strip() == "active"
    assert not answers(made.main_ip, 22)
    assert lab.blocked()["closed"] > 0
    machines.destroy("test-closed")


def test_servers_learn_their_addresses_from_the_metadata_service(
    lab: Lab, machines: Machines, droplet: ServerAddresses, ec2: ServerAddresses
) -> None:
    def ask_metadata(host: str, path: str, *options: str) -> str:
        url = f"http://169.254.169.254/{path}"
        return lab.run(host, ["curl", "--silent", "--max-time", "10", *options, url]).stdout

    public = "metadata/v1/interfaces/public/0"
    assert ask_metadata("droplet", f"{public}/anchor_ipv4/address") == droplet.anchor_ip
    assert ask_metadata("droplet", f"{public}/anchor_ipv4/netmask") == "255.255.252.0"
    assert ask_metadata("droplet", f"{public}/anchor_ipv4/gateway") == str(lab.home.ranges.anchor[1])
    assert ask_metadata("droplet", f"{public}/ipv4/address") == droplet.main_ip
    assert ask_metadata("droplet", "metadata/v1/reserved_ip/ipv4/active") == "false"
    token = ask_metadata("ec2", "latest/api/token", "--request", "PUT")
    header = f"X-aws-ec2-metadata-token: {token}"
    assert ask_metadata("ec2", "latest/meta-data/public-ipv4", "--header", header) == ec2.main_ip
    assert ask_metadata("ec2", "latest/meta-data/public-ipv4") == "Unauthorized"


def test_a_reserved_address_that_moves_takes_running_flows_along(
    lab: Lab, machines: Machines, droplet: ServerAddresses, eventually: Eventually
) -> None:
    """A peer that keeps sending from one port must reach the rebuilt server, not the old one."""
    rebuilt = machines.create(spec("rebuilt", "digitalocean", "anchor"))
    for host in ("droplet", "rebuilt"):
        lab.wait_until_booted(host)
        assert lab.run(host, ["systemd-run", "--unit=echo", "python3", "-c", ECHO]).code == 0
    reserved = machines.allocate_address("anchor")
    with (
        route_through_anchor(lab, "droplet", droplet),
        route_through_anchor(lab, "rebuilt", rebuilt),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port,
    ):
        machines.attach_address(reserved, "test-droplet")
        eventually(lambda: ask(port, reserved) == "droplet")
        machines.attach_address(reserved, "test-rebuilt")
        eventually(lambda: ask(port, reserved) == "rebuilt")
    machines.destroy("test-rebuilt")
    machines.release_address(reserved)


def test_the_providers_firewall_lets_only_declared_traffic_in(
    lab: Lab, machines: Machines, vultr: str, eventually: Eventually
) -> None:
    listen_on(lab, "direct", 8080)
    eventually(lambda: answers(vultr, 8080))
    operator = f"{lab.home.ranges.machine}/32"
    machines.set_firewall("test-direct", (Rule("tcp", "22", (operator,)),))
    before = lab.blocked()["direct"]
    assert answers(vultr, 22)
    assert not answers(vultr, 8080)
    assert lab.blocked()["direct"] > before
    # The venue is not the operator, and the server's own calls are answered.
    assert lab.run("venue", ["nc", "-z", "-w", "1", vultr, "22"]).code != 0
    assert seen_from(lab, "direct") == vultr

    machines.set_firewall("test-direct", (Rule("tcp", "8000-8100", ANYWHERE), Rule("icmp", "", ANYWHERE)))
    assert answers(vultr, 8080)
    assert not answers(vultr, 22)
    assert lab.run("venue", ["ping", "-c", "1", "-W", "2", vultr]).code == 0


def test_a_server_can_neither_see_nor_undo_the_firewall_in_front_of_it(
    lab: Lab, machines: Machines, vultr: str
) -> None:
    machines.set_firewall("test-direct", (Rule("tcp", "22", ANYWHERE),))
    assert "lab" not in lab.run("direct", ["nft", "list", "tables"]).stdout
    assert lab.run("direct", ["nft", "flush", "ruleset"]).code == 0
    assert answers(vultr, 22)
    assert not answers(vultr, 8080)
    machines.set_firewall("test-direct", (Rule("all", "", ANYWHERE),))
    assert answers(vultr, 8080)


def test_a_rule_for_a_reserved_address_lets_its_server_in(
    lab: Lab, machines: Machines, vultr: str, droplet: ServerAddresses
) -> None:
    reserved = machines.allocate_address("anchor")
    machines.attach_address(reserved, "test-droplet")
    reach = ["nc", "-z", "-w", "1", vultr, "22"]
    with route_through_anchor(lab, "droplet", droplet):
        machines.set_firewall("test-direct", (Rule("tcp", "22", (f"{reserved}/32",)),))
        assert lab.run("droplet", reach).code == 0
        machines.set_firewall("test-direct", (Rule("tcp", "22", ("203.0.113.0/24",)),))
        assert lab.run("droplet", reach).code != 0
    machines.set_firewall("test-direct", (Rule("all", "", ANYWHERE),))
    machines.release_address(reserved)


def test_a_cut_closes_the_mesh_ports_between_two_servers_only(
    lab: Lab, vultr: str, droplet: ServerAddresses, eventually: Eventually
) -> None:
    listener = ["systemd-run", "--unit=mesh-port", "python3", "-c", ECHO.replace(str(ECHO_PORT), "51820")]
    assert lab.run("direct", listener).code == 0
    probe = ["sh", "-c", f"echo who | nc -u -w 1 {vultr} 51820"]
    eventually(lambda: lab.run("droplet", probe).stdout == "direct")
    faults.cut(lab.home, "direct", "droplet")
    assert lab.run("droplet", probe).stdout == ""
    assert lab.run("venue", probe).stdout == "direct"
    assert lab.run("droplet", ["nc", "-z", "-w", "2", vultr, "22"]).code == 0
    faults.mend(lab.home, "droplet", "direct")
    assert lab.run("droplet", probe).stdout == "direct"


def test_servers_do_not_reach_the_machine_they_run_on(lab: Lab, vultr: str) -> None:
    with socket.socket() as here:
        here.bind((str(lab.home.ranges.machine), 0))
        here.listen()
        port = here.getsockname()[1]
        assert answers(str(lab.home.ranges.machine), port)
        assert lab.run("direct", ["nc", "-z", "-w", "1", str(lab.home.ranges.machine), str(port)]).code != 0


def test_a_reboot_keeps_addresses_firewall_and_disk(
    lab: Lab, machines: Machines, vultr: str, droplet: ServerAddresses, eventually: Eventually
) -> None:
    machines.set_firewall("test-direct", (Rule("tcp", "22", ANYWHERE),))
    for host in ("direct", "droplet"):
        assert lab.run(host, ["touch", "/root/kept", "/var/lib/docker/kept"]).code == 0
    boots = {host: lab.run(host, ["cat", "/proc/1/stat"]).stdout for host in ("direct", "droplet")}
    machines.reboot("test-direct")
    # From inside, as an administrator would.
    lab.run("droplet", ["systemctl", "reboot"])

    def rebooted(host: str) -> bool:
        try:
            return lab.run(host, ["cat", "/proc/1/stat"]).stdout not in ("", boots[host])
        except LabError:
            return False

    for host in ("direct", "droplet"):
        eventually(lambda host=host: rebooted(host))
        lab.wait_until_booted(host)
        assert lab.run(host, ["ls", "/root/kept", "/var/lib/docker/kept"]).code == 0
    assert own_addresses(lab, "direct") == {vultr}
    assert own_addresses(lab, "droplet") == {droplet.main_ip, droplet.anchor_ip}
    assert seen_from(lab, "direct") == vultr
    assert answers(vultr, 22)
    listen_on(lab, "direct", 8081)
    assert not answers(vultr, 8081)
    machines.set_firewall("test-direct", (Rule("all", "", ANYWHERE),))


def test_a_stopped_server_stays_off_until_it_is_started(
    lab: Lab, machines: Machines, vultr: str, eventually: Eventually
) -> None:
    faults.stop_host(lab.home, "direct")
    assert not answers(vultr, 22)
    assert {host.name: host.state for host in lab.status().hosts}["direct"] == "stopped"
    with pytest.raises(LabError, match="nothing runs on the server direct"):
        lab.run("direct", ["true"])
    faults.start_host(lab.home, "direct")
    eventually(lambda: answers(vultr, 22))


def test_a_destroyed_server_takes_its_disk_and_leaves_its_reserved_address(lab: Lab, machines: Machines) -> None:
    address = machines.allocate_address("direct")
    server = spec("replaced", "vultr", "direct", address=address)
    machines.create(server)
    assert lab.run("replaced", ["touch", "/var/lib/docker/old"]).code == 0
    with pytest.raises(LabError, match="leads to the server test-replaced already"):
        machines.create(replace(server, id="test-second"))
    machines.destroy(server.id)
    assert not machines.exists(server.id)
    machines.create(server)
    assert lab.run("replaced", ["ls", "/var/lib/docker/old"]).code != 0
    assert own_addresses(lab, "replaced") == {address}
    machines.destroy(server.id)
    machines.release_address(address)


def test_first_boot_runs_cloud_config_and_scripts(lab: Lab, machines: Machines) -> None:
    config = "#cloud-config\nwrite_files:\n  - path: /root/written\n    content: by cloud-config\n"
    script = "#!/bin/sh\necho by a script > /root/written\n"
    for name, data in (("config", config), ("script", script)):
        machines.create(spec(name, "vultr", "direct", user_data=data))
    for name, wanted in (("config", "by cloud-config"), ("script", "by a script")):
        lab.wait_until_booted(name)
        assert lab.run(name, ["cat", "/root/written"]).stdout.strip() == wanted
        machines.destroy(f"test-{name}")


def test_containers_on_a_server_count_against_its_memory(lab: Lab, machines: Machines) -> None:
    machines.create(spec("small", "vultr", "direct", memory_mb=512))
    lab.wait_until_booted("small")
    assert lab.run("small", ["systemctl", "start", "docker"]).code == 0
    assert lab.run("small", ["docker", "import", "/usr/share/lab/busybox.tar", "busybox"]).code == 0
    # tail keeps what it reads: 900 MB do not fit.
    greedy = ["docker", "run", "--rm", "busybox", "sh", "-c", "head -c 900000000 /dev/zero | tail"]
    assert lab.run("small", greedy).code != 0
    assert lab.run("small", ["true"]).code == 0
    machines.destroy("test-small")


def test_containers_that_ask_for_more_open_files_than_there_are_start(lab: Lab, machines: Machines) -> None:
    """The fleet's limits are for real servers; not every machine that runs a lab allows its servers as much."""
    limits = {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 65536, "Hard": 1048576}}}
    document = {"write_files": [{"path": "/etc/docker/daemon.json", "content": json.dumps(limits)}]}
    machines.create(spec("limits", "vultr", "direct", user_data=f"#cloud-config\n{json.dumps(document)}\n"))
    lab.wait_until_booted("limits")
    assert lab.run("limits", ["systemctl", "start", "docker"]).code == 0
    assert lab.run("limits", ["docker", "import", "/usr/share/lab/busybox.tar", "busybox"]).code == 0
    started = lab.run("limits", ["docker", "run", "--detach", "--name", "guest", "busybox", "sleep", "1000"])
    assert started.code == 0, started.stderr
    assert lab.run("limits", ["docker", "exec", "guest", "true"]).code == 0
    machines.destroy("test-limits")


def test_an_existing_server_runs_what_its_owner_set_up(lab: Lab, machines: Machines, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    server = lab.add_existing("legacy", key.with_suffix(".pub").read_text().strip())
    known = tmp_path / "known_hosts"
    known.write_text(f"{server.address} {server.host_key}\n")
    login = ["ssh", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"]
    shown = subprocess.run(
        [*login, f"root@{server.address}", "nft list tables; docker ps --format '{{.Names}}'"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {"table inet legacy", "table inet ufw_like", "legacy-web-1"} <= set(shown.splitlines())
    assert answers(server.address, 8080)
    assert lab.add_existing("legacy", "ignored: it stands already") == server
    machines.destroy(server.id)


def test_a_killed_daemon_is_recovered_by_up(
    lab: Lab, machines: Machines, vultr: str, droplet: ServerAddresses, eventually: Eventually
) -> None:
    machines.set_firewall("test-direct", (Rule("tcp", "22", ANYWHERE),))
    pid = lab.daemon.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: lab.daemon.pid is None)
    with pytest.raises(LabError, match="does not run"):
        machines.reboot("test-direct")
    lab.up(print)
    assert {host.state for host in lab.status().hosts} == {"running"}
    lab.wait_until_booted("direct")
    lab.wait_until_booted("venue")
    eventually(lambda: seen_from(lab, "direct") == vultr)
    assert answers(vultr, 22)


def test_an_up_of_a_lab_that_is_up_changes_nothing(lab: Lab, vultr: str) -> None:
    before = (lab.daemon.pid, state.load(lab.home))
    said: list[str] = []
    lab.up(said.append)
    assert (lab.daemon.pid, state.load(lab.home)) == before
    assert said == []


@pytest.mark.parametrize("crashed", [False, True], ids=["orderly", "after-a-crash"])
def test_down_leaves_nothing_and_another_lab_alone(
    lab: Lab, vultr: str, tmp_path: Path, crashed: bool, eventually: Eventually
) -> None:
    second = Lab(LabHome(tmp_path / "second"))
    before = machine_facts(second)
    try:
        second.up(print)
        assert second.home.slot != lab.home.slot
        Machines(second.home).create(spec("guest", "vultr", "direct"))
        second.run("guest", ["true"])
        if crashed:
            pid = second.daemon.pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: second.daemon.pid is None)
    finally:
        second.down(print)
    assert machine_facts(second) == before
    # On disk its images stay, for the next one.
    assert left_on_the_machine(second, before) == {"files": {str(second.home.path)}}
    assert state.load(second.home) == state.LabState()
    second.down(print)
    second.forget(print)
    assert left_on_the_machine(second, before) == {}
    assert answers(vultr, 22)
    assert seen_from(lab, "direct") == vultr


def test_a_lab_without_servers_gives_addresses_and_keeps_what_it_is_told(tmp_path: Path) -> None:
    home = LabHome(tmp_path)
    home.configure(servers=False)
    machines = Machines(home)
    reserved = machines.allocate_address("anchor")
    made = machines.create(spec("paper", "digitalocean", "anchor"))
    machines.attach_address(reserved, "test-paper")
    machines.set_firewall("test-paper", (Rule("tcp", "22", ANYWHERE),))
    machines.reboot("test-paper")
    kept = state.load(home)
    assert kept.translations() == {reserved: made.anchor_ip}
    assert kept.machine("test-paper").reboots == 1
    with pytest.raises(LabError, match="the lab has a server test-paper already"):
        machines.create(spec("paper", "digitalocean", "anchor"))
    with pytest.raises(LabError, match="not a reserved address"):
        machines.attach_address("198.18.12.250", "test-paper")
    machines.destroy("test-paper")
    assert not machines.exists("test-paper")
    assert state.load(home).addresses[reserved].machine is None
    assert machines.create(spec("paper", "digitalocean", "anchor")).main_ip != made.main_ip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ssh", "nowhere"], "the lab has no server called nowhere"),
        (["fault", "stop", "nowhere"], "the lab is not up|is not up"),
        (["--docker-host", "unix:///run/docker.sock", "up"], "--docker-host is not supported"),
        (["fault", "capacity", "vultr", "--times", "0"], "at least 1"),
    ],
)
def test_the_command_line_says_what_is_wrong(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", "--home", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 1
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr


def test_a_rule_for_an_unknown_protocol_is_refused(lab: Lab, machines: Machines, vultr: str) -> None:
    with pytest.raises(LabError, match="tcp, udp, icmp and all, not 'sctp'"):
        machines.set_firewall("test-direct", (Rule("sctp", "1", ANYWHERE),))
    machines.set_firewall("test-direct", (Rule("all", "", ANYWHERE),))
    assert answers(vultr, 22)
