"""The servers of a lab, as its clouds use them."""

from __future__ import annotations

import json
from pathlib import Path

from lab import network, state
from lab.containers import Containers
from lab.errors import LabError
from lab.internet import setup as internet
from lab.ranges import ranges
from lab.server import ANYWHERE, OPEN, AddressKind, Rule, ServerAddresses, ServerSpec
from lab.settings import LabHome
from lab.state import Address, LabState, Machine

__all__ = ["ANYWHERE", "OPEN", "AddressKind", "Machines", "Rule", "ServerAddresses", "ServerSpec"]


class Machines:
    """The servers of the lab at ``home`` and their addresses.

    With the lab's servers switched off everything is recorded and addresses are given out, but nothing runs: no
    Docker, no root.
    """

    def __init__(self, home: LabHome) -> None:
        self.home = home
        self.networks = ranges(home.slot)
        self._containers = Containers(home) if home.servers_enabled else None

    def create(self, spec: ServerSpec) -> ServerAddresses:
        """Start a server; returns as soon as it boots, without waiting for ssh.

        Raises:
            LabError: the lab is not up, the id or the address is taken, or the server cannot start.
        """
        if self._containers is not None:
            self._containers.require_daemon()
        with state.change(self.home) as lab:
            machine = self._record(lab, spec)
        if self._containers is not None:
            try:
                # The firewall first: not one packet gets in before it.
                network.apply_rules(self.home)
                self._write_network_file(machine)
                self._containers.create(machine, spec)
                internet.introduce(self.home, machine)
            except BaseException:
                self.destroy(spec.id)
                raise
        return ServerAddresses(main_ip=machine.main, private_ip=machine.private, anchor_ip=machine.anchor)

    def _record(self, lab: LabState, spec: ServerSpec) -> Machine:
        if spec.id in lab.machines:
            raise LabError(f"the lab has a server {spec.id} already ({lab.machines[spec.id].name})")
        networks = self.networks
        own = state.network_of(networks, spec.provider)
        if spec.address is not None:
            entry = lab.addresses.get(spec.address)
            if entry is None:
                raise LabError(f"{spec.address} is not a reserved address of this lab")
            if entry.machine is not None:
                raise LabError(f"{spec.address} leads to the server {entry.machine} already")
            entry.machine = spec.id
        main = spec.address or lab.next_address(networks.translated if spec.address_kind == "nat" else own)
        machine = Machine(
            id=spec.id,
            name=spec.name,
            provider=spec.provider,
            kind=spec.address_kind,
            main=main,
            private=lab.next_address(own) if spec.address_kind == "nat" else None,
            anchor=lab.next_address(networks.anchor) if spec.address_kind == "anchor" else None,
            memory_mb=spec.memory_mb,
            labels=dict(spec.labels),
        )
        lab.machines[spec.id] = machine
        return machine

    def destroy(self, id: str) -> None:
        """Remove a server with its disk; an unknown id is no error. Its reserved addresses stay reserved."""
        machine = state.load(self.home).machines.get(id)
        if machine is None:
            return
        if self._containers is not None:
            self._containers.destroy(machine)
        with state.change(self.home) as lab:
            lab.machines.pop(id, None)
            for entry in lab.addresses.values():
                if entry.machine == id:
                    entry.machine = None
            lab.cuts = [cut for cut in lab.cuts if id not in (cut.one, cut.other)]
        self._apply()

    def stop(self, id: str) -> None:
        """Power a server off; it stays off until ``start``."""
        self._set_running(id, False)
        if self._containers is not None:
            self._containers.stop(state.load(self.home).machine(id))

    def start(self, id: str) -> None:
        """Power a server on."""
        self._set_running(id, True)
        if self._containers is not None:
            self._containers.start(state.load(self.home).machine(id))

    def _set_running(self, id: str, running: bool) -> None:
        with state.change(self.home) as lab:
            lab.machine(id).running = running

    def reboot(self, id: str) -> None:
        """Restart a server; returns as soon as it boots again."""
        with state.change(self.home) as lab:
            lab.machine(id).reboots += 1
            lab.machine(id).running = True
        if self._containers is not None:
            self._containers.restart(state.load(self.home).machine(id))

    def exists(self, id: str) -> bool:
        """True if there is such a server, running or not."""
        return id in state.load(self.home).machines

    def allocate_address(self, kind: AddressKind) -> str:
        """Reserve an address: ``direct`` is one that a server's interface has, the others are translated."""
        network_of_kind = self.networks.vultr if kind == "direct" else self.networks.translated
        with state.change(self.home) as lab:
            address = lab.next_address(network_of_kind)
            lab.addresses[address] = Address(kind)
        return address

    def release_address(self, address: str) -> None:
        """Give a reserved address back; it leads nowhere from then on. One that is not reserved is no error."""
        with state.change(self.home) as lab:
            entry = lab.addresses.pop(address, None)
        self._moved(entry.machine if entry else None)

    def attach_address(self, address: str, id: str) -> None:
        """Let a reserved address lead to a server; it leaves any other one.

        Raises:
            LabError: the address is not reserved, or there is no such server.
        """
        with state.change(self.home) as lab:
            if address not in lab.addresses:
                raise LabError(f"{address} is not a reserved address of this lab")
            lab.machine(id)
            before, lab.addresses[address].machine = lab.addresses[address].machine, id
        self._moved(before, id)

    def detach_address(self, address: str) -> None:
        """Let a reserved address lead nowhere; one that is not reserved is no error."""
        with state.change(self.home) as lab:
            entry = lab.addresses.get(address)
            before = entry.machine if entry else None
            if entry:
                entry.machine = None
        self._moved(before)

    def set_firewall(self, id: str, rules: tuple[Rule, ...]) -> None:
        """Replace the inbound rules in front of a server; no rules: nothing gets in. An unknown id is no error.

        The answers to what the server itself asks for always get in.
        """
        with state.change(self.home) as lab:
            if id not in lab.machines:
                return
            lab.machines[id].rules = tuple(rules)
        self._apply()

    def _moved(self, *ids: str | None) -> None:
        for id in ids:
            machine = state.load(self.home).machines.get(id) if id else None
            if machine is not None:
                self._write_network_file(machine)
        self._apply()

    def _apply(self) -> None:
        if self._containers is not None:
            network.apply_rules(self.home)

    def _write_network_file(self, machine: Machine) -> None:
        """What the server configures at each boot.

        An address attached to a Vultr server later is not in it: there the guest has to configure it.
        """
        if self._containers is None:
            return
        document: dict[str, object] = {}
        if machine.anchor:
            document["addresses"] = [f"{machine.anchor}/{self.networks.anchor.prefixlen}"]
        if self.home.image_of(machine.name) == "bare":
            document["packages"] = f"http://{self.networks.packages_address}/"
        folder = self._containers.provider_folder(machine)
        folder.mkdir(parents=True, exist_ok=True)
        Path(folder, "network.json").write_text(json.dumps(document) + "\n")
