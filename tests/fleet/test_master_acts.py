"""What an exchange of the master secret writes on a host: each secret of the master it belongs to, nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from fleet.cli.commands.mesh import app
from fleet.configuration import Configuration, load
from fleet.mesh.master import RunningFleet, host_key_state
from fleet.mesh.rotate import RotationStopped, node_state
from fleet.mesh.rotation import Wish, next_epoch
from fleet.mesh.transition import KeySource, transition
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import SecretStore, Vault
from fleet.secrets.store import Successor
from infra.first_boot import permanent_path
from infra.host import host_target

PRESENT, FOLLOWING = Vault(bytes(32)), Vault(bytes(range(32)))


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def hosts(configuration: Configuration) -> tuple[RunningHost, ...]:
    addresses = {"hub": "198.18.0.10", "nj": "198.18.0.11", "sg": "198.18.0.12"}
    return tuple(
        RunningHost(ref, address, address, "", "", "", host_target(configuration.fleet, ref, PRESENT, address=address))
        for ref in configuration.hosts()
        if (address := addresses.get(ref.id))
    )


def test_while_both_interfaces_stand_each_has_the_keys_of_its_own_master(
    configuration: Configuration, hosts: tuple[RunningHost, ...]
) -> None:
    now = configuration.fleet.mesh.epoch
    then = next_epoch(now, Wish.KEYS)
    way = transition(configuration, hosts, KeySource(now, PRESENT), KeySource(then, FOLLOWING))
    state = node_state("nj", way.steps[1], way.meshes)
    texts = {file.path: file.content for file in state.files if file.path.endswith(".conf")}
    old, new = (texts[f"/etc/wireguard/{epoch.interface()}.conf"] for epoch in (now, then))
    for text, vault, epoch in ((old, PRESENT, now), (new, FOLLOWING, then)):
        assert f"PrivateKey = {vault.x25519_private('mesh', 'private', 'nj', epoch.of('nj'))}" in text
        assert f"PublicKey = {vault.x25519_public('mesh', 'private', 'sg', epoch.of('sg'))}" in text
        assert f"PresharedKey = {vault.preshared('mesh', 'psk', 'nj', 'sg', str(epoch.psk))}" in text
        assert "secret:" not in text


def test_of_a_rented_host_only_its_host_key_is_exchanged_and_a_bad_one_reverts(
    configuration: Configuration, hosts: tuple[RunningHost, ...]
) -> None:
    ref = next(host.ref for host in hosts if host.ref.id == "nj")
    state = host_key_state(configuration, ref, FOLLOWING)
    assert {file.path: file.content for file in state.files} == {
        "/etc/ssh/ssh_host_ed25519_key": FOLLOWING.ed25519_private(*permanent_path("nj", 1)),
        "/etc/ssh/ssh_host_ed25519_key.pub": FOLLOWING.ed25519_public(*permanent_path("nj", 1)) + "\n",
    }
    assert state.files[0].sensitive
    assert state.files[0].mode == 0o600
    assert [(handler.name, handler.revert is not None) for handler in state.handlers] == [("sshd", True)]
    assert (state.packages.packages, state.users, state.units, state.sysctls) == ((), (), (), ())


def test_an_epoch_that_changed_meanwhile_is_named_with_the_command_that_goes_on(
    configuration: Configuration, hosts: tuple[RunningHost, ...]
) -> None:
    store = cast(SecretStore, SimpleNamespace(master=bytes(32)))
    fleet = RunningFleet(cast(Any, None), configuration, hosts, store)
    now = configuration.fleet.mesh.epoch.keys
    with pytest.raises(RotationStopped, match=rf"begun at mesh\.epoch\.keys {now + 1}, and fleet\.yaml says {now} now"):
        fleet.move_mesh(Successor(bytes(range(32)), now + 2))


def test_without_a_standing_host_there_is_nothing_to_exchange(configuration: Configuration) -> None:
    fleet = RunningFleet(cast(Any, None), configuration, (), cast(SecretStore, SimpleNamespace(master=bytes(32))))
    with pytest.raises(RotationStopped, match="no host stands"):
        fleet.require_rest()


def test_a_rotation_is_asked_for_one_thing_at_a_time() -> None:
    for options in (["--master", "--keys"], ["--master", "--abort"], []):
        told = CliRunner().invoke(app, ["rotate", *options])
        assert told.exit_code == 2
        assert "--master" in told.output
