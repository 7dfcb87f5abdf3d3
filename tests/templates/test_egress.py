"""Leaving by the reserved address: the real script in a network namespace, with a metadata service and two gateways."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from templates.render import render

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("ip") is None,
        reason="needs root and iproute2: it works in network namespaces of its own",
    ),
]

METADATA = """
import http.server, sys
answers = {
    "reserved_ip/ipv4/active": "true",
    "interfaces/public/0/anchor_ipv4/address": "198.18.17.5",
    "interfaces/public/0/anchor_ipv4/netmask": "255.255.255.0",
    "interfaces/public/0/anchor_ipv4/gateway": "198.18.17.1",
    "interfaces/public/0/ipv4/address": "198.18.16.5",
    "interfaces/public/0/ipv4/gateway": "198.18.16.1",
}
not_yet = int(sys.argv[1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global not_yet
        answer = answers[self.path.removeprefix("/metadata/v1/")]
        if self.path.endswith("/active") and not_yet:
            not_yet -= 1
            answer = "false"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("169.254.169.254", 80), Handler)
print("ready", flush=True)
server.serve_forever()
"""


class Droplet:
    """A server in one namespace, its provider in the other one."""

    def __init__(self, folder: Path) -> None:
        self._mark = uuid.uuid4().hex[:8]
        self._script = folder / "egress"
        self._script.write_text(render("egress/egress.j2"))
        self._service: subprocess.Popen[str] | None = None

    def build(self, requests_until_assigned: int) -> None:
        for name in ("host", "cloud"):
            self._run("ip", "netns", "add", self._name(name))
            self.run(name, "ip link set lo up")
        far = ("type", "veth", "peer", "name", "down0", "netns", self._name("cloud"))
        self._run("ip", "-n", self._name("host"), "link", "add", "wan9", *far)
        for address in ("198.18.16.1/24", "198.18.17.1/24"):
            self.run("cloud", f"ip address add {address} dev down0")
        self.run("cloud", "ip address add 169.254.169.254/32 dev lo")
        self.run("cloud", "ip link set down0 up")
        self.boot()
        command = ["ip", "netns", "exec", self._name("cloud"), "python3", "-c", METADATA, str(requests_until_assigned)]
        self._service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._service.stdout is not None
        assert self._service.stdout.readline() == "ready\n"

    def boot(self) -> None:
        """What the image's own network configuration leaves, before anything of ours."""
        for command in (
            "ip address flush dev wan9",
            "ip route flush table 7700",
            "ip address add 198.18.16.5/24 dev wan9",
            "ip link set wan9 up",
            "ip route add default via 198.18.16.1 dev wan9",
        ):
            self.run("host", command, check="flush table" not in command)

    def leave_by_reserved_address(self) -> str:
        return self.run("host", f"python3 {self._script}")

    def source_towards(self, address: str, own: str = "") -> tuple[str, str]:
        """(gateway, source) of a packet that the server sends."""
        chosen = f" from {own}" if own else ""
        [route] = json.loads(self.run("host", f"ip -j route get {address}{chosen}"))
        return route["gateway"], route.get("prefsrc", own)

    def run(self, name: str, command: str, check: bool = True) -> str:
        return self._run("ip", "netns", "exec", self._name(name), *command.split(), check=check)

    def close(self) -> None:
        if self._service is not None:
            self._service.kill()
            self._service.communicate()
        for name in ("host", "cloud"):
            subprocess.run(["ip", "netns", "delete", self._name(name)], capture_output=True)

    def _name(self, name: str) -> str:
        return f"fleet-{self._mark}-{name}"

    @staticmethod
    def _run(*command: str, check: bool = True) -> str:
        result = subprocess.run(command, capture_output=True, text=True)
        assert not check or result.returncode == 0, f"{' '.join(command)}: {result.stderr}"
        return result.stdout


@pytest.fixture
def droplet(tmp_path: Path) -> Iterator[Droplet]:
    droplet = Droplet(tmp_path)
    try:
        droplet.build(requests_until_assigned=1)
        yield droplet
    finally:
        droplet.close()


VENUE = "198.18.200.1"


def test_traffic_leaves_by_the_reserved_address_after_every_boot(droplet: Droplet) -> None:
    assert droplet.source_towards(VENUE) == ("198.18.16.1", "198.18.16.5")

    # The address is assigned only at the second time of asking: it waits instead of failing.
    assert "default route through 198.18.17.1, source 198.18.17.5" in droplet.leave_by_reserved_address()
    assert droplet.source_towards(VENUE) == ("198.18.17.1", "198.18.17.5")
    # A connection that came in by the own address is answered by the way it came.
    assert droplet.source_towards(VENUE, own="198.18.16.5") == ("198.18.16.1", "198.18.16.5")

    routes, rules = droplet.run("host", "ip -4 route"), droplet.run("host", "ip -4 rule")
    droplet.leave_by_reserved_address()
    assert (droplet.run("host", "ip -4 route"), droplet.run("host", "ip -4 rule")) == (routes, rules)

    droplet.boot()
    droplet.leave_by_reserved_address()
    assert droplet.source_towards(VENUE) == ("198.18.17.1", "198.18.17.5")


def test_a_route_with_a_metric_does_not_win(droplet: Droplet) -> None:
    # Network managers set their default route with a metric; ours has none, which comes first.
    droplet.run("host", "ip route delete default")
    droplet.run("host", "ip route add default via 198.18.16.1 dev wan9 metric 100")
    droplet.leave_by_reserved_address()
    assert droplet.source_towards(VENUE) == ("198.18.17.1", "198.18.17.5")
