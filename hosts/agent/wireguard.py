"""WireGuard interfaces, reconciled against the runtime: peers, address, MTU and routes.

``wg syncconf`` changes neither addresses nor MTU nor routes, and its exit code 0 does not prove that a prefix went to
the intended peer; so everything is read back. The configuration file is persisted after the runtime holds it.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from .files import Files, look
from .machine import Machine
from .report import Change, Remark, StageFailed
from .units import Units
from .wireguard_config import (
    BadConfig,
    Interface,
    differences,
    keep_roaming,
    parse_config,
    parse_dump,
    render_for_wg,
)

APPEAR_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Runtime:
    """A running interface."""

    wg: Interface
    addresses: frozenset[str]
    mtu: int
    up: bool
    kernel_routes: frozenset[str]
    routes: frozenset[str]
    """those that were set by somebody, in contrast to the kernel's own for the address"""


def read_addresses(text: str) -> tuple[frozenset[str], int, bool]:
    """Addresses with prefix length (without IPv6 link-local ones), MTU and up-ness from ``ip -j addr show dev``."""
    link = next(entry for entry in json.loads(text) if entry.get("ifname"))
    addresses = frozenset(
        f"{entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"] if entry.get("scope") != "link"
    )
    return addresses, int(link["mtu"]), "UP" in link["flags"]


def read_routes(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Prefixes out of ``ip -j route show dev``: (the kernel's own, all others)."""
    kernel: set[str] = set()
    others: set[str] = set()
    for route in json.loads(text or "[]"):
        (kernel if route.get("protocol") == "kernel" else others).add(prefix_of(route["dst"]))
    return frozenset(kernel), frozenset(others)


def prefix_of(destination: str) -> str:
    """A destination as iproute2 prints it (host routes without a length) as a prefix."""
    if destination == "default":
        return "0.0.0.0/0"
    return destination if "/" in destination else f"{destination}/{128 if ':' in destination else 32}"


class WireguardInterfaces:
    """Interfaces as a kind."""

    kind = "wireguard"

    def __init__(self, machine: Machine, files: Files, units: Units, observed: dict[str, Any]) -> None:
        self._machine = machine
        self._files = files
        self._units = units
        self._observed = observed

    def observe(self, desired: list[dict[str, Any]]) -> dict[str, Runtime | None]:
        return {entry["name"]: self._read(entry["name"]) for entry in desired}

    def _read(self, name: str) -> Runtime | None:
        if not os.path.isdir(f"/sys/class/net/{name}"):
            return None
        dump = self._machine.run("wg", "show", name, "dump")
        if dump.status:
            # The device is there and its wireguard-go is not (yet): the same as no interface.
            return None
        wg = parse_dump(dump.out)
        addresses, mtu, up = read_addresses(self._must(name, "ip", "-j", "addr", "show", "dev", name))
        kernel, routes = read_routes(self._must(name, "ip", "-j", "route", "show", "dev", name))
        self._observed.setdefault("wireguard", {})[name] = {
            "listen_port": wg.listen_port,
            "addresses": sorted(addresses),
            "mtu": mtu,
            "routes": sorted(routes),
            "peers": [
                {
                    "public_key": peer.public_key,
                    "endpoint": peer.endpoint,
                    "allowed_ips": sorted(peer.allowed_ips),
                    "latest_handshake": peer.latest_handshake,
                }
                for peer in wg.peers.values()
            ],
        }
        return Runtime(wg, addresses, mtu, up, kernel, routes)

    def plan(
        self, desired: list[dict[str, Any]], current: dict[str, Runtime | None], configs: dict[str, dict[str, Any]]
    ) -> list[Change]:
        """Differences of the runtime; ``configs`` are the file entries by path. Interfaces to remove come last."""
        changes = []
        for entry in sorted(desired, key=lambda entry: not entry["present"]):
            runtime = current[entry["name"]]
            if not entry["present"]:
                if runtime is not None or self._unit_in_use(entry) or self._persisted(entry) is not None:
                    changes.append(Change(self.kind, entry["name"], "delete", step=entry))
                continue
            if runtime is None:
                changes.append(Change(self.kind, entry["name"], "create", "no such interface is up", entry))
                continue
            found = self._runtime_differences(entry, runtime, configs[entry["config_path"]])
            if found:
                changes.append(Change(self.kind, entry["name"], "update", "\n".join(found), entry))
        return changes

    def _runtime_differences(self, entry: dict[str, Any], runtime: Runtime, config: dict[str, Any]) -> list[str]:
        wanted = keep_roaming(parse_config(config["content"]), runtime.wg, self._persisted(entry), time.time())
        found = differences(wanted, runtime.wg)
        if runtime.addresses != {entry["address"]}:
            found.append(f"address {', '.join(sorted(runtime.addresses)) or 'none'} -> {entry['address']}")
        if runtime.mtu != entry["mtu"]:
            found.append(f"mtu {runtime.mtu} -> {entry['mtu']}")
        if not runtime.up:
            found.append("link down -> up")
        routes = frozenset(entry["routes"])
        found += [f"route + {prefix}" for prefix in sorted(routes - runtime.routes - runtime.kernel_routes)]
        found += [f"route - {prefix}" for prefix in sorted(runtime.routes - routes)]
        return found

    def _persisted(self, entry: dict[str, Any]) -> Interface | None:
        present = look(self._machine, self._files.accounts, entry["config_path"])
        if present is None or present.type != "file":
            return None
        try:
            return parse_config(present.content.decode("utf-8", "replace"))
        except BadConfig:
            return Interface("", 0, 0, {})

    def _unit_in_use(self, entry: dict[str, Any]) -> bool:
        if not entry["unit"]:
            return False
        facts = self._units.observe([{"name": entry["unit"]}])[entry["unit"]]
        return facts.running or facts.file == "enabled"

    def validate(self, desired: list[dict[str, Any]], configs: dict[str, dict[str, Any]]) -> list[Remark]:
        """Refuse configurations that ``wg`` would take in another sense than meant."""
        refused = []
        for entry in desired:
            if entry["present"]:
                try:
                    parse_config(configs[entry["config_path"]]["content"])
                except BadConfig as problem:
                    refused.append(Remark("file", entry["config_path"], f"not a WireGuard configuration: {problem}"))
        return refused

    def apply_all(
        self, changes: list[Change], desired: list[dict[str, Any]], configs: dict[str, dict[str, Any]]
    ) -> list[Change]:
        """Bring up, synchronise, move routes; then persist; then remove what shall go. Returns the file changes."""
        persisted = []
        for change in (change for change in changes if change.action == "create"):
            persisted += self._bring_up(change.step, configs[change.step["config_path"]])
        present = [entry for entry in desired if entry["present"]]
        current = self.observe(present)
        due = {change.name: change for change in changes if change.action != "delete"}
        for entry in present:
            runtime = current[entry["name"]]
            if entry["name"] in due and runtime is not None:
                self._synchronise(entry, runtime, configs[entry["config_path"]])
        # All additions before any removal: between two interfaces of a rotation, a route is moved and never missing.
        current = self.observe([entry for entry in present if entry["name"] in due])
        for entry in present:
            runtime = current.get(entry["name"])
            for prefix in sorted(runtime.routes - frozenset(entry["routes"])) if runtime else ():
                self._must(entry["name"], "ip", "route", "del", prefix, "dev", entry["name"])
        persisted += self._persist([configs[entry["config_path"]] for entry in present])
        for change in (change for change in changes if change.action == "delete"):
            self._remove(change.step)
        return persisted

    def _bring_up(self, entry: dict[str, Any], config: dict[str, Any]) -> list[Change]:
        name = entry["name"]
        if not entry["unit"]:
            raise StageFailed(
                Remark(self.kind, name, "the interface is missing, and no unit is declared that brings it up")
            )
        # The unit reads the file, so here it comes first.
        persisted = self._persist([config])
        outcome = self._machine.run("systemctl", "restart", "--", entry["unit"])
        deadline = time.monotonic() + APPEAR_SECONDS
        while not outcome.status and self._read(name) is None:
            if time.monotonic() > deadline:
                raise StageFailed(
                    Remark(
                        self.kind,
                        name,
                        f"{entry['unit']} runs, yet the interface did not appear within "
                        f"{APPEAR_SECONDS:.0f} s; see `journalctl -u {entry['unit']}` on the host",
                    )
                )
            time.sleep(POLL_SECONDS)
        if outcome.status:
            raise StageFailed(Remark(self.kind, name, f"systemctl restart {entry['unit']}: {outcome.text()}"))
        self._units.started.add(entry["unit"])
        return persisted

    def _synchronise(self, entry: dict[str, Any], runtime: Runtime, config: dict[str, Any]) -> None:
        name = entry["name"]
        wanted = keep_roaming(parse_config(config["content"]), runtime.wg, self._persisted(entry), time.time())
        if differences(wanted, runtime.wg):
            outcome = self._machine.run("wg", "syncconf", name, "/dev/stdin", stdin=render_for_wg(wanted))
            if outcome.status:
                # Its words may quote a key.
                raise StageFailed(
                    Remark(self.kind, name, f"wg syncconf refused the configuration (exit {outcome.status})")
                )
        if entry["address"] not in runtime.addresses:
            self._must(name, "ip", "address", "add", entry["address"], "dev", name)
        for address in sorted(runtime.addresses - {entry["address"]}):
            self._must(name, "ip", "address", "del", address, "dev", name)
        if runtime.mtu != entry["mtu"]:
            self._must(name, "ip", "link", "set", "dev", name, "mtu", str(entry["mtu"]))
        if not runtime.up:
            self._must(name, "ip", "link", "set", "dev", name, "up")
        # Taking an address away or a link down may have taken routes along, so they are read anew.
        kernel, routes = read_routes(self._must(name, "ip", "-j", "route", "show", "dev", name))
        for prefix in sorted(frozenset(entry["routes"]) - routes - kernel):
            self._must(name, "ip", "route", "replace", prefix, "dev", name)

    def _persist(self, configs: list[dict[str, Any]]) -> list[Change]:
        changes = self._files.plan(configs, self._files.observe(configs))
        for change in changes:
            self._files.apply(change)
        return changes

    def _remove(self, entry: dict[str, Any]) -> None:
        name = entry["name"]
        if self._unit_in_use(entry):
            outcome = self._machine.run("systemctl", "disable", "--now", "--", entry["unit"])
            if outcome.status:
                raise StageFailed(Remark(self.kind, name, f"systemctl disable {entry['unit']}: {outcome.text()}"))
        deadline = time.monotonic() + APPEAR_SECONDS
        while entry["unit"] and os.path.isdir(f"/sys/class/net/{name}") and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if os.path.isdir(f"/sys/class/net/{name}"):
            self._must(name, "ip", "link", "delete", "dev", name)
        path = self._machine.at(entry["config_path"])
        if os.path.lexists(path):
            os.unlink(path)
        self._observed.get("wireguard", {}).pop(name, None)

    def _must(self, name: str, *argv: str) -> str:
        outcome = self._machine.run(*argv)
        if outcome.status:
            raise StageFailed(Remark(self.kind, name, f"{' '.join(argv)}: {outcome.text()}"))
        return outcome.out
