"""The fleet gets another master secret under 20 ms pings: none is lost, and nothing of the former one is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from fleet.mesh.rotate import RotationStopped
from fleet.mesh.rotation import Wish, rotate_mesh
from fleet.secrets import Vault
from hosts import AuthenticationRefused, HostKeyMismatch, Target, connect
from infra.first_boot import DEPLOY_PATH
from infra.host import host_target
from tests.lab.base.test_rotation import ENOUGH, HOSTS, assert_settled, keep_pinging, pings_between_all_pairs
from tests.lab.fleet import StandingFleet, hub_as_it_is, tell

pytestmark = pytest.mark.lab

RENTED = ("nj", "sg")
AUTHORIZED = "/root/.ssh/authorized_keys"


def test_a_killed_exchange_of_the_master_secret_is_finished_and_loses_no_packet(fleet: StandingFleet) -> None:
    former = fleet.stand.vault
    epoch = fleet.stand.configuration.fleet.mesh.epoch
    on_hub = fleet.on("hub", "cat", AUTHORIZED)
    with pings_between_all_pairs(fleet) as results:
        kill_command_at(fleet, "move nj", "--master")
        assert fleet.stand.vault.ed25519_public(*DEPLOY_PATH) == former.ed25519_public(*DEPLOY_PATH)
        # What is half done is nobody else's to finish.
        with pytest.raises(RotationStopped, match="fleet mesh rotate --master"):
            rotate_mesh(
                fleet.stand.workspace, fleet.stand.configuration, fleet.stand.hosts(), fleet.stand.vault, Wish.KEYS
            )
        told = run(fleet, "--master")
        keep_pinging(fleet)
    assert min(sent for sent, _ in results.values()) >= ENOUGH
    assert {pair: lost for pair, (_, lost) in results.items()} == dict.fromkeys(results, 0)

    done = re.findall(r"(?m)^  (?:hub|nj|sg) +(\S+) (\S+) \S+$", told)
    assert {operation for operation, _ in done} == {"update"}
    assert {kind.partition(":")[0] for _, kind in done} == {"pulumi-python"}, "the providers' resources are left alone"
    present = fleet.stand.vault
    after = fleet.stand.configuration.fleet.mesh.epoch
    assert (after.keys, after.psk) == (epoch.keys + 1, epoch.psk)
    store = fleet.stand.workspace.open_secrets()
    assert (store.successor, store.retired) == (None, None)
    assert_settled(fleet)

    for host in HOSTS:
        with pytest.raises(AuthenticationRefused):
            connect(target(fleet, host, present), former.ed25519_private(*DEPLOY_PATH), deadline_seconds=5)
    for host in RENTED:
        with pytest.raises(HostKeyMismatch):
            connect(target(fleet, host, former), present.ed25519_private(*DEPLOY_PATH), deadline_seconds=5)
    # On the hub, whose owner keeps other lines there, exactly our own one is another one.
    ours, now = (vault.ed25519_public(*DEPLOY_PATH).split()[1] for vault in (former, present))
    assert fleet.on("hub", "cat", AUTHORIZED) == on_hub.replace(ours, now)
    as_it_is = hub_as_it_is(fleet.lab)
    assert {part for part in as_it_is if as_it_is[part] != fleet.hub_before[part]} <= {"users"}
    # The fleet is shared with other tests, which compare the hub with how it was.
    fleet.hub_before["users"] = as_it_is["users"]


def test_an_exchange_can_be_called_off_until_the_old_interface_goes(fleet: StandingFleet) -> None:
    before = fleet.stand.vault.ed25519_public(*DEPLOY_PATH)
    on_hub = fleet.on("hub", "cat", AUTHORIZED)
    epoch = fleet.stand.configuration.fleet.mesh.epoch
    kill_command_at(fleet, "move nj", "--master")
    successor = fleet.stand.workspace.open_secrets().successor
    assert successor is not None
    following = Vault(successor.master)
    connect(target(fleet, "nj", fleet.stand.vault), following.ed25519_private(*DEPLOY_PATH), 10).close()

    run(fleet, "--abort")

    store = fleet.stand.workspace.open_secrets()
    assert (store.successor, store.retired) == (None, None)
    assert fleet.stand.vault.ed25519_public(*DEPLOY_PATH) == before
    assert fleet.stand.configuration.fleet.mesh.epoch == epoch
    assert fleet.on("hub", "cat", AUTHORIZED) == on_hub
    for host in HOSTS:
        with pytest.raises(AuthenticationRefused):
            connect(target(fleet, host, fleet.stand.vault), following.ed25519_private(*DEPLOY_PATH), 5)
    assert_settled(fleet)


def target(fleet: StandingFleet, host: str, vault: Vault) -> Target:
    """A host with the key that follows from one master secret."""
    standing = next(each for each in fleet.stand.hosts() if each.ref.id == host)
    return host_target(fleet.stand.configuration.fleet, standing.ref, vault, address=standing.address)


def command(fleet: StandingFleet, option: str) -> list[str]:
    return [sys.executable, "-m", "fleet", "mesh", "rotate", option, "--root", str(fleet.stand.root)]


def run(fleet: StandingFleet, option: str) -> str:
    """Run a rotation to its end; what it told on its way."""
    done = subprocess.run(command(fleet, option), capture_output=True, text=True, check=False)
    tell(option, done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stderr


def kill_command_at(fleet: StandingFleet, words: str, option: str) -> None:
    """Begin a rotation and kill it as soon as its progress says these words."""
    process = subprocess.Popen(command(fleet, option), stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    told = []
    with process.stderr as progress:
        for line in progress:
            told.append(line)
            if words in line:
                break
        else:
            raise AssertionError(f"it ended before '{words}': {''.join(told)}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
