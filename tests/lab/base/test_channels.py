"""Configuring a host costs few round trips: at most three channel requests for each of its parts."""

from __future__ import annotations

import pytest

from hosts import Connection, Target, apply, connect, deploy, observe, observe_release
from infra.adapter import HostPart
from infra.first_boot import DEPLOY_PATH
from infra.host import base_state
from infra.release_adapter import BundlePart
from infra.vault import filled
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

MOST = 3


class Counted:
    """Connections to one host, and the channel requests on all of them."""

    def __init__(self, fleet: StandingFleet, target: Target) -> None:
        self._target = target
        self._key = fleet.stand.vault.ed25519_private(*DEPLOY_PATH)
        self.opened: list[Connection] = []

    def connect(self) -> Connection:
        self.opened.append(connect(self._target, self._key, deadline_seconds=30))
        return self.opened[-1]

    @property
    def channels(self) -> int:
        return sum(connection.channels_opened for connection in self.opened)


def test_a_base_is_observed_by_one_request_and_applied_by_at_most_three(fleet: StandingFleet) -> None:
    host = next(host for host in fleet.stand.hosts() if host.ref.id == "nj")
    vault = fleet.stand.vault
    # The host key's file holds a reference and stays out; what is left has both handlers that must be confirmed.
    whole = base_state(fleet.stand.configuration, host.ref, vault)
    part = type(whole)(
        name="base",
        files=tuple(file for file in whole.files if not vault.has_reference(file.content)),
        units=whole.units,
        handlers=whole.handlers,
    )
    fleet.on("nj", "nft", "delete", "table", "inet", "fleet")
    fleet.on("nj", "touch", "/etc/fleet/fleet.nft")
    counted = Counted(fleet, host.target)
    with counted.connect() as connection:
        assert observe(connection, part).changes
        assert counted.channels == 1
        report = apply(connection, part, counted.connect)
    assert [change.name for change in report.changes if change.kind == "handler"] == ["firewall"]
    assert len(counted.opened) == 2, "a change of the firewall is confirmed by a new connection"
    assert counted.channels - 1 <= MOST


def test_so_is_a_node_of_the_mesh(fleet: StandingFleet) -> None:
    part = HostPart.from_inputs(fleet.recorded("nj", "MeshNode::nj")["inputs"])
    state = filled(part.state, fleet.stand.vault)
    interface = fleet.stand.configuration.fleet.mesh.epoch.interface()
    fleet.on("nj", "rm", "/usr/local/lib/fleet/wg-up", f"/etc/wireguard/{interface}.conf")
    fleet.on("nj", "ip", "link", "set", interface, "mtu", "1280")
    counted = Counted(fleet, part.target)
    with counted.connect() as connection:
        assert observe(connection, state).changes
        assert counted.channels == 1
        report = apply(connection, state, counted.connect)
        assert {"file", "wireguard"} <= {change.kind for change in report.changes}
        assert counted.channels - 1 <= MOST
        assert observe(connection, state).changes == ()


def test_so_is_a_bundle(fleet: StandingFleet) -> None:
    part = BundlePart.from_inputs(fleet.recorded("hub", "BundleRelease::hub-questdb")["inputs"])
    fleet.on("hub", "docker", "stop", "fleet-questdb-questdb-1")
    counted = Counted(fleet, part.target)
    with counted.connect() as connection:
        assert observe_release(connection, part.release).changes
        assert counted.channels == 1
        report = deploy(connection, part.release, fleet.stand.vault.fill)
        assert "questdb" in {change.name for change in report.changes if change.kind == "service"}
        assert counted.channels - 1 <= MOST
        assert observe_release(connection, part.release).settled
