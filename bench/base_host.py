"""The base of a fresh host and its mesh node, against pyinfra: applied, and applied again without any change.

Both get two servers of the lab made alike (same image, same first boot, packages in the image), the same documents and
a process of their own, whose whole time counts: start, imports, connection, work. Afterwards both hosts are looked at
with the same eyes (``hosts.observe``), so that the same end state is a finding and not a claim.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.comparison import Comparison
from fleet.configuration import HostRef
from fleet.rehearsal.stand import Stand
from hosts import HostState, Target, connect, observe
from hosts.state import UNITS_ORDER
from infra.address_book import AddressBook, ReservedAddress
from infra.first_boot import DEPLOY_PATH, first_contact_path
from infra.host import base_state, host_target
from infra.mesh import mesh_plan, mesh_state
from lab.machines import Machines
from lab.server import ServerSpec
from templates.render import render

PATTERN = "chi"
"""Whose base and mesh node the servers get: a rented server of a region that the rehearsal does not open."""

FRESH_ROUNDS = 3
AGAIN_ROUNDS = 3
WANTED_FRESH = 1 / 3
WANTED_AGAIN = 1 / 5

CHECKOUT = Path(__file__).resolve().parents[1]
OURS = Path(__file__).parent / "apply_document.py"
PEER = Path(__file__).parent / "peers" / "pyinfra_base.py"


@dataclass(frozen=True)
class Findings:
    """What came of it beside the seconds."""

    comparisons: tuple[Comparison, ...]
    differences: dict[str, tuple[str, ...]]
    """What each way left undone on its host, in our observer's words."""
    skipped: int
    """Settings that this kernel refuses; neither way has to try them again."""
    channels: tuple[int, ...]
    """Channel requests of ours for base and mesh node of a fresh host, confirmations included."""


Tell = Callable[[str], None]
"""Is told what to show, line by line."""


class PeerFailed(Exception):
    """One of the two programs failed; the text is the end of what it said."""


def compare(stand: Stand, peers: Path) -> Findings:
    """Measure on fresh servers of the standing lab, which are gone afterwards."""
    bench = _Bench(stand, peers)
    fresh: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    differences: dict[str, tuple[str, ...]] = {}
    for number in range(FRESH_ROUNDS):
        with bench.servers("ours", "peer", round=number) as (ours, peer):
            fresh.append(bench.in_turn(number, ours, peer))
            if number == FRESH_ROUNDS - 1:
                again = [bench.in_turn(turn, ours, peer) for turn in range(AGAIN_ROUNDS)]
                differences = {"ours": bench.differences(ours), "pyinfra": bench.differences(peer)}
    what = "base and mesh node of a host"
    return Findings(
        comparisons=(
            Comparison(f"{what}: fresh, packages present", "pyinfra", WANTED_FRESH, tuple(fresh)),
            Comparison(f"{what}: again, nothing to change", "pyinfra", WANTED_AGAIN, tuple(again)),
        ),
        differences=differences,
        skipped=len(bench.refused),
        channels=bench.channels,
    )


class _Servers:
    """Two fresh servers, booted; destroyed at the end."""

    def __init__(self, bench: _Bench, names: Sequence[str]) -> None:
        self._bench, self._names = bench, names

    def __enter__(self) -> tuple[Target, ...]:
        try:
            addresses = [self._bench.create(name) for name in self._names]
            for name in self._names:
                self._bench.stand.lab.wait_until_booted(name)
        except BaseException:
            self.__exit__()
            raise
        targets = zip(self._names, addresses, strict=True)
        return tuple(replace(self._bench.target, name=name, address=address) for name, address in targets)

    def __exit__(self, *_: object) -> None:
        for name in self._names:
            self._bench.machines.destroy(name)


class _Bench:
    """The documents that both sides get, and how each is run."""

    def __init__(self, stand: Stand, peers: Path) -> None:
        self.stand, self._peers = stand, peers
        self.machines = Machines(stand.lab.home)
        self.channels: tuple[int, ...] = ()
        self._applied: set[str] = set()
        vault, configuration = stand.vault, stand.configuration
        ref = next(ref for ref in configuration.hosts() if ref.id == PATTERN)
        standing = stand.hosts()
        book = AddressBook({host.ref.id: ReservedAddress("", host.address) for host in standing})
        parts = (
            base_state(configuration, ref, vault),
            mesh_state(configuration, ref, mesh_plan(configuration, book), vault),
        )
        self._states = tuple(map(self._filled, parts))
        self.target = host_target(configuration.fleet, ref, vault)
        self._first_contact = vault.ed25519_public(*first_contact_path(ref.id, ref.host.generation))
        self._first_boot = self._first_boot_text(ref)
        self._folder = stand.lab.home.path / "bench"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._key = self._folder / "key"
        self._key.touch(mode=0o600)
        self._key.write_text(vault.ed25519_private(*DEPLOY_PATH))
        rented = next(host for host in standing if host.ref.id == "nj")
        with connect(rented.target, self._key.read_text(), deadline_seconds=30) as connection:
            skipped = observe(connection, base_state(configuration, rented.ref, vault)).skipped
        self.refused = sorted(item.name for item in skipped if item.kind == "sysctl")

    def _filled(self, state: HostState) -> HostState:
        files = tuple(replace(file, content=self.stand.vault.fill(file.content)) for file in state.files)
        return replace(state, files=files)

    def _first_boot_text(self, ref: HostRef) -> str:
        vault, path = self.stand.vault, first_contact_path(ref.id, ref.host.generation)
        return render(
            "cloud-init/first-boot.yaml.j2",
            user=self.target.user,
            authorized_keys=[vault.ed25519_public(*DEPLOY_PATH)],
            host_key_private=vault.ed25519_private(*path),
            host_key_public=vault.ed25519_public(*path),
        )

    def servers(self, *names: str, round: int) -> _Servers:
        """Fresh servers by these names."""
        return _Servers(self, [f"bench-{name}-{round}" for name in names])

    def create(self, name: str) -> str:
        """Start one; returns its address."""
        self.machines.destroy(name)
        spec = ServerSpec(name, "vultr", name, self._first_boot, "direct", memory_mb=4096)
        return self.machines.create(spec).main_ip

    def in_turn(self, number: int, ours: Target, peer: Target) -> tuple[float, float]:
        """Seconds of both; who begins changes with the number."""
        if number % 2:
            theirs = self._apply_by_peer(peer)
            return self._apply_by_ours(ours), theirs
        own = self._apply_by_ours(ours)
        return own, self._apply_by_peer(peer)

    def _apply_by_ours(self, target: Target) -> float:
        pins = [*target.pins, self._first_contact]
        work = {
            "target": {"name": target.name, "address": target.address, "user": target.user, "pins": pins},
            "key": str(self._key),
            "parts": [state.to_document() for state in self._states],
        }
        seconds, said = self._run([sys.executable, str(OURS), self._write("ours.json", work)], target)
        self.channels = tuple(json.loads(said)) if not self.channels else self.channels
        return seconds

    def _apply_by_peer(self, target: Target) -> float:
        known = self._folder / "known_hosts"
        # It takes the first of several keys of one kind; a host that was applied shows its permanent one.
        shown = target.pins[0] if target.name in self._applied else self._first_contact
        known.write_text(f"{target.address} {shown}\n")
        self._applied.add(target.name)
        work = {
            "parts": [state.to_document() for state in self._states],
            "implied_files": self._implied_files(),
            "refused": self.refused,
            "units_order": UNITS_ORDER,
        }
        data = {
            "work": self._write("peer.json", work),
            "ssh_user": target.user,
            "ssh_key": str(self._key),
            "ssh_known_hosts_file": str(known),
            "ssh_strict_host_key_checking": "yes",
        }
        given = [argument for name, value in data.items() for argument in ("--data", f"{name}={value}")]
        command = [str(self._peers / "bin" / "pyinfra"), "--yes", "--sudo", *given, target.address, str(PEER)]
        return self._run(command, target)[0]

    def _implied_files(self) -> dict[str, list[dict[str, Any]]]:
        """Files that our agent makes by itself: settings for the next boot, and what sudo lets the users do."""
        files: dict[str, list[dict[str, Any]]] = {}
        for state in self._states:
            texts = [
                (f"/etc/sudoers.d/fleet-{user.name}", f"{user.name} ALL=(ALL:ALL) NOPASSWD: ALL\n", "0440")
                for user in state.users
            ]
            if state.sysctls:
                lines = [f"-{sysctl.key} = {sysctl.value}\n" for sysctl in state.sysctls]
                texts.append((f"/etc/sysctl.d/90-fleet-{state.name}.conf", "".join(lines), "0644"))
            common = {"owner": "root", "group": "root", "notifies": []}
            files[state.name] = [{"path": path, "content": text, "mode": mode, **common} for path, text, mode in texts]
        return files

    def differences(self, target: Target) -> tuple[str, ...]:
        """What a host lacks of the documents."""
        found = []
        with connect(target, self._key.read_text(), deadline_seconds=30) as connection:
            for state in self._states:
                # A container loads no module; only our agent remembers that it tried.
                changes = [change for change in observe(connection, state).changes if change.kind != "module"]
                found += [f"{change.kind} {change.name}: {change.action}" for change in changes]
        return tuple(found)

    def _write(self, name: str, work: dict[str, Any]) -> str:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(work))
        return str(path)

    def _run(self, command: Sequence[str], target: Target) -> tuple[float, str]:
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=self._folder)
        seconds = time.perf_counter() - started
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()[-15:]
            raise PeerFailed(f"{Path(command[0]).name} on {target.name}: {os.linesep.join(said)}")
        return seconds, done.stdout


def report(findings: Findings) -> Iterator[str]:
    """Sentences for people."""
    for who, differences in findings.differences.items():
        yield f"{who} left {len(differences)} differences on its host" + "".join(f"\n  {text}" for text in differences)
    counted = ", ".join(map(str, findings.channels))
    yield f"channel requests of ours for a fresh host, by part: {counted}; {findings.skipped} settings are refused here"
