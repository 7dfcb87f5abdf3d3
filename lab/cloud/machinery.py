"""What the clouds need of the machines below them, and the machines that exist on paper only.

With servers switched off a lab has objects and addresses, but nothing answers on them: enough for previews, engine
tests and everything else that looks at a cloud only through its API.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from lab.cloud.store import CloudStore
from lab.server import AddressKind, Rule, ServerAddresses, ServerSpec
from lab.settings import LabHome


class Machinery(Protocol):
    """The machines of a lab. ``id`` is the provider's own id of the server."""

    def create(self, spec: ServerSpec) -> ServerAddresses: ...
    def destroy(self, id: str) -> None: ...
    def reboot(self, id: str) -> None: ...
    def allocate_address(self, kind: AddressKind) -> str: ...
    def release_address(self, address: str) -> None: ...
    def attach_address(self, address: str, id: str) -> None: ...
    def detach_address(self, address: str) -> None: ...
    def set_firewall(self, id: str, rules: tuple[Rule, ...]) -> None: ...


PAPER_PUBLIC = IPv4Address("198.19.224.0")
PAPER_PRIVATE = IPv4Address("10.104.0.1")
PAPER_ANCHOR = IPv4Address("10.15.0.4")


class PaperMachines:
    """Machines on paper: addresses are handed out in order, nothing runs. What was asked is kept to be looked at."""

    def __init__(self, home: Path) -> None:
        self._store = CloudStore(home)

    def create(self, spec: ServerSpec) -> ServerAddresses:
        main = spec.address or self._next("paper-public", PAPER_PUBLIC)
        private = None if spec.address_kind == "direct" else self._next("paper-private", PAPER_PRIVATE)
        anchor = self._next("paper-anchor", PAPER_ANCHOR) if spec.address_kind == "anchor" else None
        # Kept without its user data: that may hold a key.
        self._note(
            spec.id,
            {"name": spec.name, "provider": spec.provider, "memory_mb": spec.memory_mb},
        )
        return ServerAddresses(main_ip=main, private_ip=private, anchor_ip=anchor)

    def destroy(self, id: str) -> None:
        with self._store.transaction() as state:
            state.document.setdefault("paper", {}).pop(id, None)

    def reboot(self, id: str) -> None:
        with self._store.transaction() as state:
            server = state.document.setdefault("paper", {}).setdefault(id, {})
            server["reboots"] = server.get("reboots", 0) + 1

    def allocate_address(self, kind: AddressKind) -> str:
        return self._next("paper-public", PAPER_PUBLIC)

    def release_address(self, address: str) -> None:
        self.detach_address(address)

    def attach_address(self, address: str, id: str) -> None:
        self.detach_address(address)
        with self._store.transaction() as state:
            server = state.document.setdefault("paper", {}).setdefault(id, {})
            server["addresses"] = [*server.get("addresses", []), address]

    def detach_address(self, address: str) -> None:
        with self._store.transaction() as state:
            for server in state.document.setdefault("paper", {}).values():
                if address in server.get("addresses", []):
                    server["addresses"].remove(address)

    def set_firewall(self, id: str, rules: tuple[Rule, ...]) -> None:
        self._note(
            id,
            {"firewall": [f"{r.protocol} {r.ports} from {','.join(r.sources)}" for r in rules]},
        )

    def _note(self, id: str, facts: dict[str, object]) -> None:
        with self._store.transaction() as state:
            state.document.setdefault("paper", {}).setdefault(id, {}).update(facts)

    def _next(self, counter: str, first: IPv4Address) -> str:
        with self._store.transaction() as state:
            return str(first + state.next(counter, 1))


def machinery(home: Path) -> Machinery:
    """The machines of the lab at ``home``: real ones, or paper where its servers are switched off."""
    lab = LabHome(home)
    if not lab.servers_enabled:
        return PaperMachines(home)
    # Loaded only where servers run: a plugin of a lab without them starts without Docker's client.
    from lab.machines import Machines

    return Machines(lab)
