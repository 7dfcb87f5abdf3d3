"""Which servers and addresses a lab has: one JSON file, changed under a lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lab.errors import LabError
from lab.files import locked, read_json, write_json
from lab.ranges import Ranges
from lab.server import AddressKind, Rule
from lab.settings import LabHome, container_name

FILE = "machines.json"
LOCK = "machines.lock"
FIRST_GIVEN = 100
"""The lowest host number that is given out; below it are routers, the venue and other fixtures."""


@dataclass
class Machine:
    """One server.

    ``main`` is the address it is reached at when it is created; with kind ``nat`` a translated one that ends with
    the server or as soon as a static one is attached. ``rules`` None: the provider's default.
    """

    id: str
    name: str
    provider: str
    kind: AddressKind
    main: str
    private: str | None = None
    anchor: str | None = None
    memory_mb: int = 1024
    running: bool = True
    reboots: int = 0
    rules: tuple[Rule, ...] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def container(self) -> str:
        return container_name(self.name, self.id)

    @property
    def interface_address(self) -> str:
        """What the host's own interface has as its first address."""
        return self.private if self.kind == "nat" and self.private else self.main


@dataclass
class Address:
    """A reserved address and the server it leads to, if any."""

    kind: AddressKind
    machine: str | None = None


@dataclass(frozen=True)
class Cut:
    """UDP ports that are closed between two servers."""

    one: str
    other: str
    ports: str


@dataclass
class LabState:
    """Everything the lab knows of its machines."""

    machines: dict[str, Machine] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)
    given: dict[str, int] = field(default_factory=dict)

    def machine(self, id: str) -> Machine:
        """The server with this id; LabError if there is none."""
        if id not in self.machines:
            raise LabError(f"the lab has no server {id}; it has {self._names() or 'none'}")
        return self.machines[id]

    def named(self, name: str) -> Machine:
        """The server with this name or id; LabError if there is none, or several of one name."""
        if name in self.machines:
            return self.machines[name]
        found = [machine for machine in self.machines.values() if machine.name == name]
        if not found:
            raise LabError(f"the lab has no server called {name}; it has {self._names() or 'none'}")
        if len(found) > 1:
            raise LabError(f"several servers are called {name}: give the id, one of {', '.join(m.id for m in found)}")
        return found[0]

    def _names(self) -> str:
        return ", ".join(sorted(machine.name for machine in self.machines.values()))

    def attached(self, id: str) -> tuple[str, ...]:
        """The reserved addresses that lead to a server."""
        return tuple(address for address, entry in self.addresses.items() if entry.machine == id)

    def public_addresses(self, machine: Machine) -> tuple[str, ...]:
        """The addresses by which the world reaches a server."""
        attached = self.attached(machine.id)
        if machine.kind == "nat":
            # The address that comes with the server ends when it gets a static one.
            return attached or (machine.main,)
        return tuple(dict.fromkeys((machine.main, *attached)))

    def inner_addresses(self, machine: Machine) -> tuple[str, ...]:
        """A server's addresses as its own interface has them."""
        if machine.kind == "direct":
            return self.public_addresses(machine)
        return tuple(a for a in (machine.interface_address, machine.anchor) if a)

    def translations(self) -> dict[str, str]:
        """Public address to the address inside it is translated to, for all servers."""
        found: dict[str, str] = {}
        for machine in self.machines.values():
            inside = machine.private if machine.kind == "nat" else machine.anchor
            if inside:
                outside = self.public_addresses(machine) if machine.kind == "nat" else self.attached(machine.id)
                found |= dict.fromkeys(outside, inside)
        return found

    def next_address(self, network: IPv4Network) -> str:
        """The next free address of a network, in turn: what was just given back is not the first to be given again.

        Raises:
            LabError: the network is full.
        """
        taken = {*self.addresses}
        for machine in self.machines.values():
            taken |= {a for a in (machine.main, machine.private, machine.anchor) if a}
        room = network.num_addresses - 1 - FIRST_GIVEN
        last = self.given.get(str(network), -1)
        for step in range(1, room + 1):
            number = (last + step) % room
            address = str(IPv4Address(int(network.network_address) + FIRST_GIVEN + number))
            if address not in taken:
                self.given[str(network)] = number
                return address
        raise LabError(f"the lab's network {network} is full ({room} addresses); `fleet lab down` frees them")


def network_of(networks: Ranges, provider: str) -> IPv4Network:
    """The network in which a provider's servers are."""
    found = {
        "vultr": networks.vultr,
        "digitalocean": networks.droplets,
        "aws": networks.aws,
        "existing": networks.existing,
        "venue": networks.venue,
    }
    if provider not in found:
        raise LabError(f"the lab has no provider {provider}; it has {', '.join(found)}")
    return found[provider]


def load(home: LabHome) -> LabState:
    """The state as it is now, to look at."""
    return _from_document(read_json(home.path / FILE))


@contextmanager
def change(home: LabHome) -> Iterator[LabState]:
    """The state, locked; kept only if the block ends without an error."""
    with locked(home.path / LOCK):
        state = load(home)
        yield state
        write_json(home.path / FILE, json.loads(json.dumps(asdict(state))))


def _from_document(document: Mapping[str, Any]) -> LabState:
    machines = {}
    for id, entry in document.get("machines", {}).items():
        rules = entry["rules"]
        parsed = None if rules is None else tuple(Rule(r["protocol"], r["ports"], tuple(r["sources"])) for r in rules)
        machines[id] = Machine(**{**entry, "rules": parsed})
    return LabState(
        machines=machines,
        addresses={address: Address(**entry) for address, entry in document.get("addresses", {}).items()},
        cuts=[Cut(**entry) for entry in document.get("cuts", [])],
        given=dict(document.get("given", {})),
    )
