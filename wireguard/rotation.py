"""Rotation of the mesh's keys as data: the sequence of states that the nodes pass through.

A private key cannot be changed under a running interface without losing packets: all of its sessions end at once, and a
peer that has not learnt the new key yet drops what arrives (measured: 74 of 900 pings with a gap of 5 s between the two
ends). Two interfaces lose none: the next epoch's keys come up on a second interface with its own port and the **same**
inner /32, traffic is moved by routes, node by node, and the old interface goes last.

Why each condition: strict reverse-path filtering drops what arrives on the interface that the route back does not use
(162 of 900), so ``rp_filter`` is 2; loose filtering still drops on an interface without an address (163 of 900), so
both carry the /32. Whoever sends through an interface needs its peer to have the same one: hence no node moves before
every pair has a handshake on the new interface, and none loses the old one before all have moved.

Nothing here touches a host: a caller brings the nodes to each step's state, waits for its gate, and goes on; or back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum

from wireguard.plan import MeshError

RP_FILTER = 2
"""``net.ipv4.conf.all.rp_filter`` during a rotation: loose. The kernel takes the larger of this and the interface's."""

PRESHARED_SPREAD_SECONDS = 100.0
"""Within this time both ends of a pair must have a new pre-shared key. It enters only handshakes, and a running session
makes its next one after 120 s (REKEY_AFTER_TIME in WireGuard's protocol); the rest is margin."""


@dataclass(frozen=True)
class MeshInterface:
    """One mesh interface of one node."""

    name: str
    """``wg0`` or ``wg1``."""
    port: int
    """The UDP port that it listens on."""
    epoch: str
    """Epoch of the node's private key."""
    psk_epoch: str
    """Epoch of the pre-shared keys with all peers."""


@dataclass(frozen=True)
class Generation:
    """The same interface on every node, with the keys that it uses."""

    interface: str
    port: int
    epochs: Mapping[str, str]
    """Epoch of each node's private key, by node."""
    psk_epoch: str

    def of(self, node: str) -> MeshInterface:
        """This generation's interface on one node."""
        return MeshInterface(self.interface, self.port, self.epochs[node], self.psk_epoch)


@dataclass(frozen=True)
class NodeState:
    """What one node must look like."""

    interfaces: tuple[MeshInterface, ...]
    """Mesh interfaces that are up, each with the node's /32 and all peers. There is no other one."""
    routes: str
    """Name of the interface that the routes to all peers lead through."""


@dataclass(frozen=True)
class Observed:
    """What one node was found to look like."""

    interfaces: frozenset[str]
    """Names of its mesh interfaces that are up."""
    routes: str
    """The interface of its routes to peers; while they are divided, the old one."""


class Gate(Enum):
    """What must hold before the next step."""

    NOTHING = "nothing"
    HANDSHAKES = "every pair of nodes has a handshake on the interface"
    TRAFFIC = "every pair of nodes answers through the mesh"


@dataclass(frozen=True)
class Step:
    """One step: a state for every node, to be reached in any order, and what must hold afterwards."""

    name: str
    nodes: Mapping[str, NodeState]
    gate: Gate
    gate_interface: str
    """The interface that the gate looks at."""


class Stage(IntEnum):
    """How far one node is in a rotation of keys."""

    OLD = 0
    BOTH = 1
    MOVED = 2
    NEW = 3


def key_rotation(nodes: Iterable[str], old: Generation, new: Generation) -> tuple[Step, ...]:
    """The steps from one generation of private keys to the next.

    The first step is the state before, the last one the state after. Until the last one begins, the rotation can be
    called off with ``way_back``.

    Raises:
        MeshError: no nodes, or the generations share an interface or a port, or lack the epoch of a node.
    """
    names = tuple(sorted(nodes))
    problems = _generation_problems(names, old, new)
    if problems:
        raise MeshError(problems)

    def step(name: str, gate: Gate, stages: Mapping[str, Stage]) -> Step:
        states = {node: _state(node, stage, old, new) for node, stage in stages.items()}
        return Step(name, states, gate, new.interface)

    steps = [
        step("before", Gate.NOTHING, dict.fromkeys(names, Stage.OLD)),
        step(f"create {new.interface}", Gate.HANDSHAKES, dict.fromkeys(names, Stage.BOTH)),
    ]
    stages = dict.fromkeys(names, Stage.BOTH)
    for node in names:
        stages = {**stages, node: Stage.MOVED}
        steps.append(step(f"move {node}", Gate.TRAFFIC, stages))
    steps.append(step("verify", Gate.HANDSHAKES, dict.fromkeys(names, Stage.MOVED)))
    steps.append(step(f"remove {old.interface}", Gate.TRAFFIC, dict.fromkeys(names, Stage.NEW)))
    return tuple(steps)


def preshared_rotation(nodes: Iterable[str], old: Generation, new: Generation) -> tuple[Step, ...]:
    """The steps from one generation of pre-shared keys to the next: one change in place, on all nodes.

    It loses nothing if all nodes are reached within ``PRESHARED_SPREAD_SECONDS``: running sessions go on with the keys
    that they have. Called off by applying the first step again, in the same time.

    Raises:
        MeshError: no nodes, or anything but the pre-shared keys' epoch differs, or it does not.
    """
    names = tuple(sorted(nodes))
    problems = [] if names else ["a rotation needs nodes"]
    if (old.interface, old.port, dict(old.epochs)) != (new.interface, new.port, dict(new.epochs)):
        problems.append("a rotation of pre-shared keys keeps interface, port and private keys")
    if old.psk_epoch == new.psk_epoch:
        problems.append(f"both generations have pre-shared keys of epoch {old.psk_epoch}")
    problems += _missing_epochs(names, old)
    if problems:
        raise MeshError(problems)
    before = {node: NodeState((old.of(node),), old.interface) for node in names}
    after = {node: NodeState((new.of(node),), new.interface) for node in names}
    return (
        Step("before", before, Gate.NOTHING, old.interface),
        Step("change pre-shared keys", after, Gate.HANDSHAKES, new.interface),
    )


def locate(steps: Sequence[Step], observed: Mapping[str, Observed]) -> int:
    """Number of the last step of a rotation of keys that every node has reached: an interrupted one goes on after it.

    Raises:
        MeshError: a node was not observed, or looks like no step of this rotation.
    """
    stages = _stages(steps, observed)
    reached = [
        number
        for number, step in enumerate(steps)
        if all(stages[node] >= _stage_of(steps, _seen(state)) for node, state in step.nodes.items())
    ]
    return reached[-1]


def way_back(steps: Sequence[Step], observed: Mapping[str, Observed]) -> tuple[Step, ...]:
    """The steps that call a rotation of keys off, from wherever it stands: earlier ones, backwards, down to the first.

    Nothing is waited for on the way: what failed may be the very thing that a gate asks for. Only the last one, the
    state before the rotation, must carry traffic.

    Raises:
        MeshError: a node has lost its old interface already (finish the rotation, then rotate once more), was not
            observed, or looks like no step of this rotation.
    """
    stages = _stages(steps, observed)
    finished = [node for node, stage in stages.items() if stage is Stage.NEW]
    if finished:
        raise MeshError(
            [
                f"{', '.join(finished)}: the old interface is gone already, so there is no way back; "
                "finish this rotation, then rotate once more"
            ]
        )
    back = [replace(step, gate=Gate.NOTHING) for step in reversed(steps[: locate(steps, observed) + 1])]
    old_interface = next(iter(back[-1].nodes.values())).routes
    back[-1] = replace(back[-1], gate=Gate.TRAFFIC, gate_interface=old_interface)
    return tuple(back)


def _state(node: str, stage: Stage, old: Generation, new: Generation) -> NodeState:
    both = (old.of(node), new.of(node))
    return {
        Stage.OLD: NodeState(both[:1], old.interface),
        Stage.BOTH: NodeState(both, old.interface),
        Stage.MOVED: NodeState(both, new.interface),
        Stage.NEW: NodeState(both[1:], new.interface),
    }[stage]


def _seen(state: NodeState) -> Observed:
    return Observed(frozenset(interface.name for interface in state.interfaces), state.routes)


def _stage_of(steps: Sequence[Step], observed: Observed) -> Stage:
    before, after = (next(iter(step.nodes.values())).routes for step in (steps[0], steps[-1]))
    stages = {
        Observed(frozenset({before}), before): Stage.OLD,
        Observed(frozenset({before, after}), before): Stage.BOTH,
        Observed(frozenset({before, after}), after): Stage.MOVED,
        Observed(frozenset({after}), after): Stage.NEW,
    }
    if observed not in stages:
        shown = ", ".join(sorted(observed.interfaces)) or "none"
        raise MeshError([f"interfaces {shown}, routes by {observed.routes or 'none'}: no step of this rotation"])
    return stages[observed]


def _stages(steps: Sequence[Step], observed: Mapping[str, Observed]) -> dict[str, Stage]:
    problems = []
    stages = {}
    for node in steps[0].nodes:
        if node not in observed:
            problems.append(f"{node}: was not observed")
            continue
        try:
            stages[node] = _stage_of(steps, observed[node])
        except MeshError as error:
            problems.append(f"{node}: {error}")
    if problems:
        raise MeshError(problems)
    return stages


def _generation_problems(names: Sequence[str], old: Generation, new: Generation) -> list[str]:
    problems = [] if names else ["a rotation needs nodes"]
    if old.interface == new.interface:
        problems.append(f"both generations use interface {old.interface}; the new one needs its own")
    if old.port == new.port:
        problems.append(f"both generations use port {old.port}; the new one needs its own")
    return problems + _missing_epochs(names, old) + _missing_epochs(names, new)


def _missing_epochs(names: Sequence[str], generation: Generation) -> list[str]:
    missing = [name for name in names if name not in generation.epochs]
    return [f"{name}: no epoch for its key on {generation.interface}" for name in missing]
