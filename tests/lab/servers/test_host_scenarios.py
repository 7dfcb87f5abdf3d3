"""The host library on a server that boots systemd: first contact, changes that revert, the mesh's interface."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hosts import Target
from lab.lab import Lab
from lab.machines import Machines
from lab.server import ServerSpec
from tests.hosts.sshd import new_key
from tests.hosts.systemd_scenarios import ALL, SystemdHost

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def host(lab: Lab, machines: Machines) -> SystemdHost:
    login, first, permanent = (new_key() for _ in range(3))
    document = {
        "users": [{"name": "root", "lock_passwd": True, "ssh_authorized_keys": [login.public]}],
        "disable_root": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {"ed25519_private": first.private, "ed25519_public": first.public},
    }
    made = machines.create(
        ServerSpec(
            id="scenarios",
            provider="vultr",
            name="scenarios",
            user_data="#cloud-config\n" + json.dumps(document) + "\n",
            address_kind="direct",
        )
    )
    lab.wait_until_booted("scenarios")
    return SystemdHost(Target("scenarios", made.main_ip, 22, "root", (first.public,)), login, permanent)


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.__name__.replace("_", "-"))
def test_on_a_real_host(host: SystemdHost, scenario: Callable[[SystemdHost], None]) -> None:
    """In the order of ALL: each builds on the one before."""
    scenario(host)
