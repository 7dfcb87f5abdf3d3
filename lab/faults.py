"""Things that go wrong on demand: servers that stop, a mesh that is cut, clouds that refuse, fail or lose a reply."""

from __future__ import annotations

from lab import network, state
from lab.cloud.faults import Fault, add_fault, clear_faults, list_faults
from lab.errors import LabError
from lab.machines import Machines
from lab.settings import LabHome
from lab.state import Cut

MESH_PORTS = "51820-51821"
"""Both ports of a mesh: two interfaces run side by side while keys are changed."""

__all__ = ["Fault", "cloud_faults", "cut", "fail", "mend", "repair", "start_host", "stop_host"]


def stop_host(home: LabHome, host: str) -> None:
    """Power a server off, by its name or id."""
    Machines(home).stop(state.load(home).named(host).id)


def start_host(home: LabHome, host: str) -> None:
    """Power a server on."""
    Machines(home).start(state.load(home).named(host).id)


def cut(home: LabHome, one: str, other: str, ports: str = MESH_PORTS) -> None:
    """Let no datagram to these UDP ports pass between two servers, in either direction, running flows included."""
    with state.change(home) as lab:
        wanted = Cut(lab.named(one).id, lab.named(other).id, ports)
        if wanted.one == wanted.other:
            raise LabError(f"{one} and {other} are the same server")
        if wanted not in lab.cuts:
            lab.cuts.append(wanted)
    _apply(home)


def mend(home: LabHome, one: str, other: str) -> None:
    """Undo every cut between two servers."""
    with state.change(home) as lab:
        ends = {lab.named(one).id, lab.named(other).id}
        lab.cuts = [cut for cut in lab.cuts if {cut.one, cut.other} != ends]
    _apply(home)


def _apply(home: LabHome) -> None:
    if home.servers_enabled:
        network.apply_rules(home)


def fail(home: LabHome, fault: Fault) -> None:
    """Let a cloud fail as described, at the next calls that the fault concerns."""
    add_fault(home.path, fault)


def cloud_faults(home: LabHome) -> tuple[Fault, ...]:
    """The clouds' faults that are not used up."""
    return list_faults(home.path)


def repair(home: LabHome) -> None:
    """Forget the clouds' faults and mend every cut."""
    clear_faults(home.path)
    with state.change(home) as lab:
        lab.cuts = []
    _apply(home)
