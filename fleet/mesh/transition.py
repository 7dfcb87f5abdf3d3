"""From one generation of the mesh to the next: its steps for the hosts that run, and where on the way they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources

from fleet.configuration import Configuration
from fleet.mesh.rotate import Fleet, KeyedMesh, Meshes, Progress, carry_out, connected
from fleet.mesh.view import plan_of
from fleet.model.fleet import Epoch
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from hosts import Connection
from infra.mesh import INTERFACES
from wireguard.plan import MeshPlan
from wireguard.rotation import Generation, Observed, Step, key_rotation, locate, way_back


@dataclass(frozen=True)
class KeySource:
    """What the keys of one generation follow from."""

    epoch: Epoch
    vault: Vault


@dataclass(frozen=True)
class Transition:
    """The way between two generations."""

    steps: Sequence[Step]
    meshes: Meshes


def transition(
    configuration: Configuration,
    hosts: Sequence[RunningHost],
    old: KeySource,
    new: KeySource,
    rotation: Callable[[Sequence[str], Generation, Generation], tuple[Step, ...]] = key_rotation,
) -> Transition:
    """The way of these hosts from the old keys to the new ones.

    Raises:
        MeshError: the generations do not go together.
    """
    before, after = (_generation(configuration, source.epoch) for source in (old, new))
    meshes = {
        (generation.interface, generation.psk_epoch): KeyedMesh(_plan(configuration, hosts, source.epoch), source.vault)
        for generation, source in ((before, old), (after, new))
    }
    return Transition(rotation([host.ref.id for host in hosts], before, after), meshes)


def go_on(fleet: Fleet, way: Transition, progress: Progress) -> None:
    """Go to the end of a rotation of keys, from wherever its hosts are.

    Raises:
        RotationStopped: as ``carry_out``.
        MeshError: a host looks like no step of this rotation.
    """
    reached = locate(way.steps, observe(fleet, next(iter(way.meshes.values())).plan))
    carry_out(fleet, way.steps[max(1, reached) :], way.meshes, progress)


def go_back(fleet: Fleet, way: Transition, progress: Progress) -> None:
    """Go back to the beginning of a rotation of keys.

    Raises:
        RotationStopped: as ``carry_out``.
        MeshError: a host has lost its old interface already, or looks like no step of this rotation.
    """
    observed = observe(fleet, next(iter(way.meshes.values())).plan)
    carry_out(fleet, way_back(way.steps, observed), way.meshes, progress)


def observe(fleet: Fleet, mesh: MeshPlan) -> Mapping[str, Observed]:
    """Which mesh interfaces each host has, and where its routes lead.

    Raises:
        RotationStopped: a host cannot be reached.
    """
    with connected(fleet) as connections:
        return connections.for_each(
            list(fleet.targets), lambda name, connection: _standing(connection, mesh, name, list(fleet.targets))
        )


def _standing(connection: Connection, mesh: MeshPlan, node: str, nodes: Sequence[str]) -> Observed:
    peers = [str(mesh.node(name).address) for name in nodes if name != node]
    script = (resources.files("fleet.mesh") / "standing_probe.py").read_bytes()
    done = connection.run(connection.target.as_root("python3", "-", *peers), stdin=script)
    answer = json.loads(done.stdout)
    interfaces = frozenset(answer["interfaces"]) & frozenset(INTERFACES)
    leads = set(answer["routes"])
    # While the routes are divided, or none is left, the node counts as not moved yet.
    routes = leads.pop() if len(leads) == 1 else min(interfaces, default="")
    return Observed(interfaces, routes)


def _generation(configuration: Configuration, epoch: Epoch) -> Generation:
    return Generation(
        interface=epoch.interface(),
        port=epoch.port(configuration.fleet.mesh.port),
        epochs={name: epoch.of(name) for name in configuration.host_ids()},
        psk_epoch=str(epoch.psk),
    )


def _plan(configuration: Configuration, hosts: Sequence[RunningHost], epoch: Epoch) -> MeshPlan:
    mesh = configuration.fleet.mesh.model_copy(update={"epoch": epoch})
    return plan_of(replace(configuration, fleet=configuration.fleet.model_copy(update={"mesh": mesh})), hosts)
