"""A real WireGuard interface in a network namespace of its own is reconciled: peers, address, MTU and routes."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hosts import File, HostEnvironment, HostState, Report, WireguardInterface
from tests.hosts.agent_program import run_program

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(
        os.geteuid() != 0
        or not all(map(shutil.which, ("wg", "ip", "wireguard-go")))
        or not Path("/dev/net/tun").exists(),
        reason="needs root, wireguard-tools, wireguard-go and /dev/net/tun",
    ),
]

PREFIX = "fleet-hosts-"
"""Of the namespaces' names; behind it stands the process that made one."""

PSK = base64.b64encode(b"p" * 32).decode()


def public(private: str) -> str:
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


PRIVATE = base64.b64encode(b"\x08" + b"a" * 30 + b"\x41").decode()
SG = public(base64.b64encode(b"\x08" + b"b" * 30 + b"\x42").decode()) if shutil.which("wg") else ""
LDN = public(base64.b64encode(b"\x08" + b"c" * 30 + b"\x43").decode()) if shutil.which("wg") else ""


@dataclass(frozen=True)
class Namespace:
    """A network namespace and what runs in it."""

    name: str
    environment: HostEnvironment

    def run(self, *argv: str) -> str:
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], capture_output=True, text=True, check=True
        ).stdout

    def stage(self, mode: str, state: HostState) -> tuple[Report, str]:
        return run_program(mode, state, self.environment, "ip", "netns", "exec", self.name)

    def apply(self, state: HostState) -> Report:
        report, outcome = self.stage("apply", state)
        assert (outcome, report.unsettled) == ("done", ()), report
        return report


def clear_away_what_killed_runs_left() -> None:
    """Namespaces whose run is no more; nothing runs in them either."""
    for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX) and not Path("/proc", name.removeprefix(PREFIX)).exists():
            subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def namespace(environment: HostEnvironment) -> Iterator[Namespace]:
    clear_away_what_killed_runs_left()
    name = f"{PREFIX}{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    inside = Namespace(name, environment)
    processes = []
    for interface in ("wg0", "wg1"):
        processes.append(
            subprocess.Popen(
                # Its socket is found by the interface's name alone: it must not outlive this run, however that ends.
                ["setpriv", "--pdeathsig", "TERM", "ip", "netns", "exec", name, "wireguard-go", "-f", interface],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        while subprocess.run(["ip", "netns", "exec", name, "wg", "show", interface], capture_output=True).returncode:
            assert processes[-1].poll() is None
            time.sleep(0.02)
    yield inside
    for process in processes:
        process.terminate()
        process.wait()
    subprocess.run(["ip", "netns", "del", name], check=True)


def config(*peers: str, port: int = 51820, private: str = PRIVATE) -> str:
    head = f"[Interface]\nAddress = 198.18.77.1/32\nMTU = 1420\nListenPort = {port}\nPrivateKey = {private}\n"
    return head + "".join(peers)


def peer(key: str, address: str, endpoint: str = "", psk: str = "") -> str:
    lines = ["[Peer]", f"PublicKey = {key}", f"AllowedIPs = {address}", "PersistentKeepalive = 25"]
    lines += [f"PresharedKey = {psk}"] if psk else []
    lines += [f"Endpoint = {endpoint}"] if endpoint else []
    return "\n".join(lines) + "\n"


def mesh(text: str, *routes: str, name: str = "wg0") -> HostState:
    path = f"/etc/wireguard/{name}.conf"
    return HostState(
        name="mesh",
        files=(File(path, text, mode=0o600, sensitive=True),),
        wireguard=(WireguardInterface(name, path, address="198.18.77.1/32", routes=routes, unit=None),),
    )


TWO = (peer(SG, "198.18.77.2/32", "198.18.0.2:51820", PSK), peer(LDN, "198.18.77.3/32"))
ROUTES = ("198.18.77.2/32", "198.18.77.3/32")


def test_an_interface_becomes_as_described_and_then_nothing_changes(namespace: Namespace, root: Path) -> None:
    state = mesh(config(*TWO), *ROUTES)
    announced, _ = namespace.stage("observe", state)
    done = namespace.apply(state)
    assert {(change.kind, change.name) for change in done.changes} == {
        ("wireguard", "wg0"),
        ("file", "/etc/wireguard/wg0.conf"),
    }
    assert {change.diff for change in announced.changes} == {change.diff for change in done.changes}
    assert "198.18.77.1/32" in namespace.run("ip", "-4", "addr", "show", "wg0")
    assert "mtu 1420" in namespace.run("ip", "link", "show", "wg0")
    assert namespace.run("ip", "route").splitlines() == [
        "198.18.77.2 dev wg0 scope link ",
        "198.18.77.3 dev wg0 scope link ",
    ]
    assert namespace.run("wg", "show", "wg0", "listen-port") == "51820\n"
    assert (root / "etc/wireguard/wg0.conf").stat().st_mode & 0o777 == 0o600
    assert namespace.apply(state).settled
    assert namespace.stage("observe", state)[0].settled


def test_the_runtime_counts_and_not_the_file(namespace: Namespace) -> None:
    state = mesh(config(*TWO), *ROUTES)
    namespace.apply(state)
    namespace.run("wg", "set", "wg0", "peer", LDN, "remove")
    namespace.run("wg", "set", "wg0", "peer", SG, "allowed-ips", "198.18.77.9/32", "persistent-keepalive", "0")
    namespace.run("ip", "address", "add", "198.18.99.1/32", "dev", "wg0")
    namespace.run("ip", "link", "set", "wg0", "mtu", "1300")
    namespace.run("ip", "route", "del", "198.18.77.2/32", "dev", "wg0")
    namespace.run("ip", "route", "add", "198.18.98.0/24", "dev", "wg0")
    (drift,) = namespace.stage("observe", state)[0].changes
    assert sorted(drift.diff.splitlines()) == sorted(
        (
            f"peer {LDN[:8]}...: added for 198.18.77.3/32, endpoint none",
            f"peer {SG[:8]}...: allowed ips 198.18.77.9/32 -> 198.18.77.2/32",
            f"peer {SG[:8]}...: keepalive 0 -> 25",
            "address 198.18.77.1/32, 198.18.99.1/32 -> 198.18.77.1/32",
            "mtu 1300 -> 1420",
            "route + 198.18.77.2/32",
            "route - 198.18.98.0/24",
        )
    )
    namespace.apply(state)
    assert namespace.run("wg", "show", "wg0", "allowed-ips").count("/32") == 2
    assert namespace.stage("observe", state)[0].settled


def test_keys_are_compared_and_never_shown(namespace: Namespace) -> None:
    namespace.apply(mesh(config(*TWO), *ROUTES))
    other = base64.b64encode(b"q" * 32).decode()
    private = base64.b64encode(b"\x08" + b"d" * 30 + b"\x44").decode()
    changed = mesh(config(peer(SG, "198.18.77.2/32", psk=other), TWO[1], private=private), *ROUTES)
    report = namespace.apply(changed)
    (change,) = (change for change in report.changes if change.kind == "wireguard")
    assert change.diff.splitlines() == ["private key differs", f"peer {SG[:8]}...: preshared key differs"]
    text = str(report.to_document())
    assert not any(secret in text for secret in (PSK, other, PRIVATE, private))
    without = mesh(config(peer(SG, "198.18.77.2/32"), TWO[1], private=private), *ROUTES)
    namespace.apply(without)
    assert "(none)" in namespace.run("wg", "show", "wg0", "preshared-keys").split("\n")[0], "a key can be taken away"


def test_a_peer_without_addresses_is_one_too(namespace: Namespace) -> None:
    namespace.apply(mesh(config(peer(SG, "198.18.77.2/32"))))
    state = mesh(config(f"[Peer]\nPublicKey = {SG}\n"))
    namespace.apply(state)
    assert namespace.run("wg", "show", "wg0", "allowed-ips").split() == [SG, "(none)"]
    assert namespace.apply(state).settled


def test_a_changed_endpoint_is_one_change(namespace: Namespace) -> None:
    namespace.apply(mesh(config(*TWO), *ROUTES))
    moved = mesh(config(TWO[0], peer(LDN, "198.18.77.3/32", "198.18.0.3:51820")), *ROUTES)
    changes = namespace.stage("observe", moved)[0].changes
    assert [change.diff for change in changes] == [
        f"peer {LDN[:8]}...: endpoint none -> 198.18.0.3:51820",
        "content differs",
    ]
    namespace.apply(moved)


def test_two_interfaces_share_the_address_and_routes_move_without_a_gap(namespace: Namespace, root: Path) -> None:
    old = mesh(config(*TWO), *ROUTES)
    new = mesh(config(*TWO, port=51821), name="wg1")

    def both(*moved: str) -> HostState:
        kept = tuple(route for route in ROUTES if route not in moved)
        interfaces = (replace(old.wireguard[0], routes=kept), replace(new.wireguard[0], routes=moved))
        return replace(old, files=(*old.files, *new.files), wireguard=interfaces)

    namespace.apply(old)
    namespace.apply(both())
    assert "wg1" not in namespace.run("ip", "route")
    watch = subprocess.Popen(
        ["ip", "netns", "exec", namespace.name, "ip", "monitor", "route"], stdout=subprocess.PIPE, text=True
    )
    namespace.apply(both(ROUTES[0]))
    namespace.apply(both(*ROUTES))
    watch.terminate()
    seen, _ = watch.communicate()
    assert "Deleted 198.18.77" not in seen, "a route is replaced, so that no packet finds none"
    assert "wg0" not in namespace.run("ip", "route")
    gone = replace(new.wireguard[0], routes=ROUTES), replace(old.wireguard[0], address="", routes=(), present=False)
    final = replace(new, wireguard=gone)
    report = namespace.apply(final)
    assert [(change.kind, change.name, change.action) for change in report.changes] == [("wireguard", "wg0", "delete")]
    assert not (root / "etc/wireguard/wg0.conf").exists()
    assert namespace.run("ip", "route").count("wg1") == 2
    assert namespace.apply(final).settled


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (peer(SG, "198.18.77.2/24"), "198.18.77.2/24 is not a canonical prefix"),
        (peer(SG, "198.18.77.2/32") + peer(LDN, "198.18.77.2/32"), "both claim 198.18.77.2/32"),
        (peer("nonsense", "198.18.77.2/32"), "PublicKey is missing or not a WireGuard key"),
        ("[Peer]\nAllowedIP = 198.18.77.2/32\n", r"\[Peer\] has no key of that name"),
    ],
)
def test_what_wg_would_take_in_another_sense_is_refused_before_anything(
    namespace: Namespace, broken: str, reason: str, root: Path
) -> None:
    import re

    report, outcome = namespace.stage("apply", mesh(config(broken)))
    assert outcome == "refused"
    assert re.search(reason, report.failed[0].reason)
    assert not (root / "etc/wireguard").exists()
    assert namespace.run("wg", "show", "wg0", "peers") == ""


def test_a_missing_interface_without_a_unit_is_an_error_that_says_so(namespace: Namespace) -> None:
    report, outcome = namespace.stage("apply", mesh(config(), name="wg7"))
    assert outcome == "failed"
    assert "no unit is declared that brings it up" in report.failed[0].reason
