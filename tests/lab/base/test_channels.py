"""Configuring a host costs few round trips: at most three channel requests for each of its parts."""

from __future__ import annotations

import pytest

from hosts import Connection, apply, connect, observe
from infra.first_boot import DEPLOY_PATH
from infra.host import base_state
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab


def test_a_part_is_observed_by_one_request_and_applied_by_at_most_three(fleet: StandingFleet) -> None:
    host = next(host for host in fleet.stand.hosts() if host.ref.id == "nj")
    vault = fleet.stand.vault
    key = vault.ed25519_private(*DEPLOY_PATH)
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
    opened: list[Connection] = []

    def confirm() -> Connection:
        opened.append(connect(host.target, key, deadline_seconds=30))
        return opened[-1]

    with connect(host.target, key, deadline_seconds=30) as connection:
        assert observe(connection, part).changes
        assert connection.channels_opened == 1
        report = apply(connection, part, confirm)
        assert [change.name for change in report.changes if change.kind == "handler"] == ["firewall"]
        assert opened, "a change of the firewall is confirmed by a new connection"
        assert connection.channels_opened - 1 + sum(fresh.channels_opened for fresh in opened) <= 3
