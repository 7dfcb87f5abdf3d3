"""Ask every host what it sees of the mesh: one channel each, all hosts at the same time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources

from hosts import Connection, HostError, Target, connect
from wireguard.keys import MeshKeys
from wireguard.plan import MeshError, MeshPlan
from wireguard.verification import MeshMatrix, NodeReport, judge, parse_dump, parse_ping

CONNECT_SECONDS = 20.0
PROBE_SECONDS = 30.0


@dataclass(frozen=True)
class MeshView:
    """The mesh as its open hosts report it."""

    matrix: MeshMatrix
    silent: Mapping[str, str]
    """Hosts that could not be asked, with the reason."""
    asked: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that keeps the mesh between the asked hosts from standing, one line each."""
        broken = self.matrix.broken(self.asked)
        links = (f"{link.node} -> {link.peer}: {link.reason or f'{link.lost} pings lost'}" for link in broken)
        return (*(f"{name}: {reason}" for name, reason in self.silent.items()), *links)


def view_mesh(
    mesh: MeshPlan, keys: MeshKeys, interface: str, targets: Mapping[str, Target], login_key: str
) -> MeshView:
    """Ask the hosts in ``targets`` (by node name) and judge what they report.

    Args:
        mesh: the mesh as planned, with every node.
        interface: the one to look at.
        login_key: OpenSSH private key that every host lets in.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(targets))) as pool:
        answers = dict(
            zip(
                targets,
                pool.map(lambda name: _ask(mesh, name, interface, targets, login_key), targets),
                strict=True,
            )
        )
    reports = {name: answer for name, answer in answers.items() if isinstance(answer, NodeReport)}
    silent = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    public_keys = {node.name: keys.public(node) for node in mesh.nodes}
    return MeshView(judge(mesh, public_keys, reports), silent, tuple(targets))


def _ask(mesh: MeshPlan, node: str, interface: str, targets: Mapping[str, Target], login_key: str) -> NodeReport | str:
    try:
        with connect(targets[node], login_key, deadline_seconds=CONNECT_SECONDS) as connection:
            return report_of(connection, mesh, interface, [name for name in targets if name != node])
    except (HostError, MeshError) as problem:
        return str(problem)


def report_of(connection: Connection, mesh: MeshPlan, interface: str, peers: list[str]) -> NodeReport:
    """What one host reports of an interface, and of pings to the named peers.

    Raises:
        HostError: the connection broke.
        MeshError: the host has no such interface, or answered something else than the probe does.
    """
    addresses = {str(mesh.node(peer).address): peer for peer in peers}
    script = (resources.files("fleet.mesh") / "probe.py").read_bytes()
    done = connection.run(
        connection.target.as_root("python3", "-", interface, *addresses), stdin=script, timeout_seconds=PROBE_SECONDS
    )
    if done.exit_status != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise MeshError([f"{connection.target.name}: the mesh probe failed: {' '.join(last) or done.exit_status}"])
    answer = json.loads(done.stdout)
    if not answer["dump"]:
        raise MeshError([f"{connection.target.name}: has no interface {interface}"])
    pings = {addresses[address]: parse_ping(text) for address, text in answer["pings"].items()}
    return NodeReport(parse_dump(answer["dump"]), answer["now"], pings)
