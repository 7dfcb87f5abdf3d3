"""Rotating the mesh's keys on a running fleet: each step of ``wireguard.rotation`` as a desired state of every host.

A step is applied by the same host library as ``pulumi up`` uses, so it is checked, repeatable and safe to interrupt:
whatever a killed rotation leaves is one of these steps, and the next rotation goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from fleet.mesh.collect import report_of
from fleet.secrets import Vault
from hosts import Connection, File, HostError, HostState, Target, WireguardInterface, apply, connect
from infra.mesh import INTERFACES, interface_files, retired_interface, wireguard_interface
from wireguard.keys import ReferencedKeys
from wireguard.plan import MeshError, MeshPlan
from wireguard.rotation import Gate, Step
from wireguard.verification import MeshMatrix, judge

GATE_SECONDS = 60.0
"""How long a gate may take: a handshake is tried every 5 s (REKEY_TIMEOUT), keepalives start one within 25 s."""
GATE_LOOK_SECONDS = 1.0
GO_ON_OR_BACK = (
    "Run the same command again to go on; 'fleet mesh rotate --abort' goes back, as long as no host has lost its old "
    "interface."
)

Progress = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class KeyedMesh:
    """The mesh of one generation, and the vault that its keys come from."""

    plan: MeshPlan
    vault: Vault


Meshes = Mapping[tuple[str, str], KeyedMesh]
"""The mesh of each generation in a rotation, by (interface, epoch of the pre-shared keys)."""


class RotationStopped(Exception):
    """A rotation could not go on. The mesh works as it is; the text says what held it and what to do next."""

    exit_code = 1


@dataclass(frozen=True)
class Fleet:
    """The running hosts that take part: every one that is open."""

    targets: Mapping[str, Target]
    login_key: str


def connected(fleet: Fleet) -> Connections:
    """One connection to each host, as a context manager.

    Raises:
        RotationStopped: a host cannot be reached.
    """
    return Connections(fleet)


def carry_out(fleet: Fleet, steps: Sequence[Step], meshes: Meshes, progress: Progress) -> None:
    """Bring every host through the steps, waiting for each step's gate.

    Args:
        meshes: the mesh of each generation that occurs in the steps.

    Raises:
        RotationStopped: a host could not be brought to its state, or a gate did not hold in time.
    """
    with connected(fleet) as connections:
        for number, step in enumerate(steps):
            progress(f"{step.name} ({number + 1} of {len(steps)})")
            before = steps[number - 1] if number else None
            moving = [node for node in fleet.targets if before is None or step.nodes[node] != before.nodes[node]]
            connections.for_each(moving, partial(_bring, fleet, step, meshes))
            _pass(connections, fleet, step, meshes)


def _bring(fleet: Fleet, step: Step, meshes: Meshes, node: str, connection: Connection) -> None:
    apply(
        connection,
        node_state(node, step, meshes),
        confirm=lambda: connect(fleet.targets[node], fleet.login_key, deadline_seconds=30.0),
    )


def node_state(node: str, step: Step, meshes: Meshes) -> HostState:
    """One host's interfaces in one step, secrets filled in. What a boot would bring up is the same, routes included."""
    wanted = step.nodes[node]
    files: list[File] = []
    interfaces: list[WireguardInterface] = []
    for generation in wanted.interfaces:
        mesh = meshes[generation.name, generation.psk_epoch]
        conf, routes = interface_files(generation.name, mesh.plan, node, mesh.vault)
        conf = replace(conf, content=mesh.vault.fill(conf.content))
        interface = wireguard_interface(generation.name, mesh.plan, node)
        if generation.name != wanted.routes:
            interface, routes = replace(interface, routes=()), replace(routes, content="")
        files += [conf, routes]
        interfaces.append(interface)
    present = {interface.name for interface in interfaces}
    retired = [retired_interface(name) for name in INTERFACES if name not in present]
    return HostState(
        name="mesh",
        files=tuple(files),
        absent=tuple(leftover for _, leftover in retired),
        wireguard=(*interfaces, *(gone for gone, _ in retired)),
    )


def _pass(connections: Connections, fleet: Fleet, step: Step, meshes: Meshes) -> None:
    if step.gate is Gate.NOTHING:
        return
    judged = next(
        interface
        for state in step.nodes.values()
        for interface in state.interfaces
        if interface.name == step.gate_interface
    )
    mesh = meshes[judged.name, judged.psk_epoch]
    deadline = time.monotonic() + GATE_SECONDS
    while broken := _look(connections, fleet, mesh, step.gate_interface).broken(fleet.targets):
        if time.monotonic() > deadline:
            reasons = "; ".join(f"{link.node} -> {link.peer}: {link.reason or 'pings lost'}" for link in broken[:5])
            raise RotationStopped(
                f"'{step.name}' was not followed within {GATE_SECONDS:.0f} s by: {step.gate.value}. {reasons}. "
                f"Nothing was lost: the mesh works on the keys it has. {GO_ON_OR_BACK}"
            )
        time.sleep(GATE_LOOK_SECONDS)


def _look(connections: Connections, fleet: Fleet, mesh: KeyedMesh, interface: str) -> MeshMatrix:
    reports = connections.for_each(
        list(fleet.targets),
        lambda node, connection: report_of(connection, mesh.plan, interface, [n for n in fleet.targets if n != node]),
    )
    keys = ReferencedKeys(mesh.vault)
    return judge(mesh.plan, {node.name: keys.public(node) for node in mesh.plan.nodes}, reports)


class Connections:
    """One connection to each host, held for the whole rotation (over the public addresses, not over the mesh)."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._open: dict[str, Connection] = {}
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(fleet.targets)))

    def __enter__(self) -> Connections:
        def opened(name: str) -> Connection:
            return connect(self._fleet.targets[name], self._fleet.login_key, deadline_seconds=30.0)

        try:
            for name, connection in zip(self._fleet.targets, self._pool.map(opened, self._fleet.targets), strict=True):
                self._open[name] = connection
        except HostError as unreachable:
            self.__exit__()
            raise RotationStopped(
                f"{unreachable} A rotation needs every open host at once; when all of them answer, run the same "
                "command again."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()
        self._pool.shutdown(wait=True)

    def for_each(self, nodes: list[str], work: Callable[[str, Connection], T]) -> dict[str, T]:
        """Do the same on several hosts at once; the first refusal stops the rotation."""
        try:
            return dict(zip(nodes, self._pool.map(lambda name: work(name, self._open[name]), nodes), strict=True))
        except (HostError, MeshError) as problem:
            raise RotationStopped(f"{problem} The mesh works as it is. {GO_ON_OR_BACK}") from None
