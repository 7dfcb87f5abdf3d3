"""The demo: from nothing to a verified fleet of three hosts at work, each stage timed; and back to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet.engine import build_engine, installed_engine
from fleet.mesh.collect import MeshView
from fleet.mesh.view import look
from fleet.operation import order
from fleet.operation.fleet_up import run_waves
from fleet.operation.hosts_of import RunningHost
from fleet.operation.run import StackRun, up
from fleet.rehearsal.market_row import write_and_read
from fleet.rehearsal.outside import egress_seen, open_ports
from fleet.rehearsal.stand import Stand, clear, prepare
from fleet.workspace.engine_path import CHECKOUT
from infra.firewall import public_tcp_ports
from lab.lab import Lab

Progress = Callable[[str, str], None]

MESH_SECONDS = 60.0
"""How long the first handshakes may take: an endpoint that is not up yet is called again every 5 s, keepalives follow
every 25 s."""


@dataclass(frozen=True)
class Outcome:
    """What the demo has to tell."""

    seconds: Mapping[str, float]
    """By stage."""
    runs: tuple[StackRun, ...]
    hosts: tuple[RunningHost, ...]
    mesh: MeshView | None
    outside: Mapping[str, tuple[int, ...]]
    """TCP ports that answer to the venue, by host."""
    declared: Mapping[str, frozenset[int]]
    """TCP ports that may answer to a stranger, by host."""
    egress: Mapping[str, str]
    """The address that the venue sees, by host."""
    reads: Mapping[str, float | None]
    """Seconds until a row that was written on the hub was read, by host; None where it did not come."""
    root: Path

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is not as it should be, one line each."""
        failed = (f"{run.stack}: {error}" for run in self.runs for error in run.errors)
        mesh = self.mesh.problems if self.mesh else ()
        expected = {host.ref.id: host.allow_list for host in self.hosts}
        seen = (
            f"{name}: a venue sees {self.egress.get(name)}, allow-listed is {wanted}"
            for name, wanted in expected.items()
            if self.egress.get(name) != wanted
        )
        unread = (f"{name}: a row written on the hub is not read there" for name, s in self.reads.items() if s is None)
        open_to_all = (
            f"{name}: {port}/tcp answers to a venue and is not declared: close it, or name it under public_ports"
            for name, ports in self.outside.items()
            for port in ports
            if port not in self.declared[name]
        )
        return (*failed, *mesh, *(seen if self.mesh else ()), *open_to_all, *unread)

    @property
    def ok(self) -> bool:
        return not self.problems and self.mesh is not None

    @property
    def changed(self) -> int:
        """Resources that this run changed."""
        return sum(run.changed for run in self.runs)


def rehearse(progress: Progress, lab: Lab | None = None) -> Outcome:
    """Bring the fleet up in the lab and verify it. Repeating it changes nothing.

    Raises:
        EngineError, LabError: the machine lacks something; nothing of the fleet was touched.
        RowNotWritten: the fleet stands, and its primary takes no row.
    """
    lab = lab or Lab()
    seconds: dict[str, float] = {}
    with _stage("engine", seconds):
        if installed_engine() is None:
            build_engine(CHECKOUT, lambda line: progress("engine", line))
    with _stage("lab", seconds):
        lab.up(lambda line: progress("lab", line))
    with _stage("hub server", seconds):
        stand = prepare(lab, lambda line: progress("project", line))
    with _stage("up", seconds):
        ordered = order.together(order.waves(stand.configuration, ()))
        runs = run_waves(stand.workspace, ordered, up, progress)
    if not all(run.ok for run in runs):
        return Outcome(seconds, runs, (), None, {}, {}, {}, {}, stand.root)
    with _stage("verify", seconds):
        hosts = stand.hosts()
        mesh = wait_for_mesh(stand, hosts)
        outside, egress = open_ports(lab, hosts), egress_seen(lab, hosts)
    with _stage("market data", seconds):
        reads = write_and_read(lab, hosts, stand.configuration.fleet.hub)
    fleet = stand.configuration.fleet
    declared = {host.ref.id: public_tcp_ports(fleet, host.ref.host) for host in hosts}
    return Outcome(seconds, runs, hosts, mesh, outside, declared, egress, reads, stand.root)


def wait_for_mesh(stand: Stand, hosts: tuple[RunningHost, ...], seconds: float = MESH_SECONDS) -> MeshView:
    """The mesh as soon as it stands, or as it is when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        view = look(stand.configuration, hosts, stand.vault)
        if not view.problems or time.monotonic() > deadline:
            return view


def clear_away(progress: Progress, lab: Lab | None = None) -> None:
    """Remove everything that the demo made. Repeating it is harmless."""
    lab = lab or Lab()
    lab.down(lambda line: progress("lab", line))
    clear(lab)
    progress("lab", "nothing is left")


@contextmanager
def _stage(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = time.monotonic() - started
