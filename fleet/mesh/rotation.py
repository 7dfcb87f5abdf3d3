"""Giving a running fleet's mesh its next keys, from the wish to the epoch in fleet.yaml and every stack's state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from importlib import resources

from fleet.configuration import Configuration, load
from fleet.mesh.rotate import Fleet, Plans, RotationStopped, carry_out, connected
from fleet.mesh.view import plan_of
from fleet.model.edit import set_scalar
from fleet.model.fleet import Epoch
from fleet.operation.fleet_up import run_waves
from fleet.operation.hosts_of import RunningHost
from fleet.operation.run import up
from fleet.secrets import Vault
from fleet.workspace import Workspace
from hosts import Connection
from infra.first_boot import DEPLOY_PATH
from infra.mesh import INTERFACES
from wireguard.plan import MeshPlan
from wireguard.rotation import Generation, Observed, Step, key_rotation, locate, preshared_rotation, way_back


class Wish(Enum):
    """What a rotation is to renew."""

    KEYS = "keys"
    PSK = "psk"
    ABORT = "abort"


def rotate_mesh(
    workspace: Workspace,
    configuration: Configuration,
    hosts: Sequence[RunningHost],
    vault: Vault,
    wish: Wish,
    node: str = "",
    progress: Callable[[str, str], None] = lambda subject, line: None,
) -> None:
    """Rotate keys on every running host, write the new epoch to fleet.yaml, and bring the stacks' states along.

    Args:
        node: with ``Wish.KEYS``: only this node's key pair is renewed; empty renews every node's.

    Raises:
        RotationStopped: it could not go on; the mesh works as it is, and calling again goes on from there.
    """
    if node and node not in configuration.host_ids():
        raise RotationStopped(f"no host '{node}'. Hosts: {', '.join(configuration.host_ids())}")
    now = configuration.fleet.mesh.epoch
    then = next_epoch(now, Wish.KEYS if wish is Wish.ABORT else wish, node)
    old, new = _generation(configuration, now), _generation(configuration, then)
    names = [host.ref.id for host in hosts]
    steps = preshared_rotation(names, old, new) if wish is Wish.PSK else key_rotation(names, old, new)
    plans = {
        (generation.interface, generation.psk_epoch): _plan(configuration, hosts, epoch)
        for generation, epoch in ((old, now), (new, then))
    }
    fleet = Fleet({host.ref.id: host.target for host in hosts}, vault.ed25519_private(*DEPLOY_PATH), vault)

    def tell(line: str) -> None:
        progress("mesh", line)

    if wish is Wish.ABORT:
        back = way_back(steps, _observe(fleet, plans))
        carry_out(fleet, back, plans, tell)
        tell("called off: the mesh is on the keys it had")
        return
    carry_out(fleet, steps[_reached(wish, steps, fleet, plans) :], plans, tell)
    _record(workspace, then)
    regions = tuple(dict.fromkeys(host.ref.region for host in hosts))
    tell(f"recording epoch {then.keys} (pre-shared keys {then.psk}) in the state of {', '.join(regions)}")
    runs = run_waves(workspace, (regions,), up, progress)
    failed = [f"{run.stack}: {' '.join(run.errors)}" for run in runs if not run.ok]
    if failed:
        raise RotationStopped(
            f"the hosts have the new keys and fleet.yaml the new epoch, but these stacks could not record it: "
            f"{'; '.join(failed)}. Run: fleet up {' '.join(regions)}"
        )


def next_epoch(now: Epoch, wish: Wish, node: str) -> Epoch:
    """The epoch after a rotation: of all key pairs, of one node's, or of the pre-shared keys."""
    if wish is Wish.PSK:
        return now.model_copy(update={"psk": now.psk + 1})
    if node:
        return now.model_copy(update={"nodes": {**now.nodes, node: now.nodes.get(node, 0) + 1}})
    return now.model_copy(update={"keys": now.keys + 1})


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


def _reached(wish: Wish, steps: Sequence[Step], fleet: Fleet, plans: Plans) -> int:
    """Where to go on. New pre-shared keys are one change in place, which may simply be made again."""
    return 1 if wish is Wish.PSK else max(1, locate(steps, _observe(fleet, plans)))


def _observe(fleet: Fleet, plans: Plans) -> Mapping[str, Observed]:
    mesh = next(iter(plans.values()))
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


def _record(workspace: Workspace, epoch: Epoch) -> None:
    path = workspace.root / "fleet.yaml"
    text = path.read_text()
    text = set_scalar(text, ("mesh", "epoch", "keys"), str(epoch.keys))
    text = set_scalar(text, ("mesh", "epoch", "psk"), str(epoch.psk))
    for name, value in epoch.nodes.items():
        text = set_scalar(text, ("mesh", "epoch", "nodes", name), str(value))
    path.write_text(text)
    load(workspace.root)
