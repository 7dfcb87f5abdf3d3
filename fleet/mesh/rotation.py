"""Giving a running fleet's mesh its next keys, from the wish to the epoch in fleet.yaml and every stack's state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from fleet.configuration import Configuration
from fleet.mesh.record import record_epoch, record_in_stacks
from fleet.mesh.rotate import Fleet, RotationStopped, carry_out
from fleet.mesh.transition import KeySource, go_back, go_on, transition
from fleet.model.fleet import Epoch
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from fleet.workspace import Workspace
from infra.first_boot import DEPLOY_PATH
from wireguard.rotation import key_rotation, preshared_rotation


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
    _refuse_during_exchange(workspace)
    now = configuration.fleet.mesh.epoch
    then = next_epoch(now, Wish.KEYS if wish is Wish.ABORT else wish, node)
    rotation = preshared_rotation if wish is Wish.PSK else key_rotation
    way = transition(configuration, hosts, KeySource(now, vault), KeySource(then, vault), rotation)
    fleet = Fleet({host.ref.id: host.target for host in hosts}, vault.ed25519_private(*DEPLOY_PATH))

    def tell(line: str) -> None:
        progress("mesh", line)

    if wish is Wish.ABORT:
        go_back(fleet, way, tell)
        tell("called off: the mesh is on the keys it had")
        return
    if wish is Wish.PSK:
        # One change in place, which may simply be made again.
        carry_out(fleet, way.steps[1:], way.meshes, tell)
    else:
        go_on(fleet, way, tell)
    record_epoch(workspace.root, then)
    regions = tuple(dict.fromkeys(host.ref.region for host in hosts))
    what = f"epoch {then.keys} (pre-shared keys {then.psk})"
    # On the hosts nothing changes any more, so all of them at once.
    record_in_stacks(workspace, (regions,), what, f"fleet up {' '.join(regions)}", progress)


def next_epoch(now: Epoch, wish: Wish, node: str = "") -> Epoch:
    """The epoch after a rotation: of all key pairs, of one node's, or of the pre-shared keys."""
    if wish is Wish.PSK:
        return now.model_copy(update={"psk": now.psk + 1})
    if node:
        return now.model_copy(update={"nodes": {**now.nodes, node: now.nodes.get(node, 0) + 1}})
    return now.model_copy(update={"keys": now.keys + 1})


def _refuse_during_exchange(workspace: Workspace) -> None:
    store = workspace.open_secrets()
    if store.successor or store.retired:
        raise RotationStopped(
            "an exchange of the master secret is unfinished, and it brings new keys of its own. Nothing was changed. "
            "Finish it: fleet mesh rotate --master"
        )
