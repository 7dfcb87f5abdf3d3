"""The acts of an exchange of the master secret on the hosts that run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import resources

from fleet.configuration import Configuration, HostRef, load
from fleet.mesh.record import record_epoch, record_in_stacks
from fleet.mesh.rotate import Fleet, RotationStopped, connected
from fleet.mesh.rotation import Wish, next_epoch
from fleet.mesh.transition import KeySource, Transition, go_back, go_on, observe, transition
from fleet.mesh.view import plan_of
from fleet.model.stack import ExistingHost
from fleet.operation import order
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import SecretStore, Vault
from fleet.secrets.store import Successor
from fleet.workspace import Workspace
from hosts import Connection, HostError, HostState, apply, connect
from infra.first_boot import DEPLOY_PATH
from infra.host import SSHD, base_state, pinned_host_key
from infra.vault import filled
from wireguard.rotation import Observed

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
COMMAND = "fleet mesh rotate --master"
CONFIRM_SECONDS = 30.0


class RunningFleet:
    """Every host that stands, and the fleet's files: see ``fleet.mesh.exchange.Acts``."""

    def __init__(
        self,
        workspace: Workspace,
        configuration: Configuration,
        hosts: Sequence[RunningHost],
        store: SecretStore,
        progress: Callable[[str, str], None] = lambda subject, line: None,
    ) -> None:
        self._workspace = workspace
        self._configuration = configuration
        self._hosts = {host.ref.id: host for host in hosts}
        self._store = store
        self._progress = progress

    def require_rest(self) -> int:
        if not self._hosts:
            raise RotationStopped("no host stands: there is nothing that a new master secret could be brought to")
        epoch = self._configuration.fleet.mesh.epoch
        settled = Observed(frozenset({epoch.interface()}), epoch.interface())
        plan = plan_of(self._configuration, self._standing)
        seen = observe(self._logged_in_with(self._vault), plan)
        if restless := [name for name, state in seen.items() if state != settled]:
            raise RotationStopped(
                f"another rotation is unfinished on {', '.join(restless)}. Nothing was changed. Finish it with the "
                f"option it was begun with (--keys or --node), or call it off with --abort; then: {COMMAND}"
            )
        return next_epoch(epoch, Wish.KEYS).keys

    def admit_next_login(self, successor: Successor) -> None:
        self._tell("the next login key is let in beside the present one")
        following = Vault(successor.master)
        present = self._logged_in_with(self._vault, following)
        self._edit_keys(present, "add", _login_key(self._vault), _login_key(following))
        self._prove(self._logged_in_with(following, self._vault))

    def move_mesh(self, successor: Successor) -> None:
        go_on(self._logged_in_with(self._vault, Vault(successor.master)), self._way(successor), self._tell)

    def show_next_host_keys(self, successor: Successor) -> None:
        following = Vault(successor.master)
        rented = [name for name, host in self._hosts.items() if not isinstance(host.ref.host, ExistingHost)]
        self._tell(f"new host keys: {', '.join(rented) or 'none, existing hosts keep theirs'}")
        with connected(self._logged_in_with(self._vault, following)) as connections:
            connections.for_each(rented, partial(self._exchange_host_key, following))
        self._prove(self._logged_in_with(following))

    def record(self, epoch: int) -> None:
        now = load(self._workspace.root).fleet.mesh.epoch
        if now.keys < epoch:
            record_epoch(self._workspace.root, now.model_copy(update={"keys": epoch}))
        # Passwords of services follow from the master secret too: they change phase by phase, as in any other `up`.
        waves = order.waves(self._configuration, {host.ref.region for host in self._standing})
        record_in_stacks(self._workspace, waves, "the new master secret", COMMAND, self._progress)

    def dismiss_former_login(self, login_key: str) -> None:
        self._tell("the former login key is taken away")
        self._edit_keys(self._logged_in_with(self._vault), "remove", login_key, _login_key(self._vault))

    def move_mesh_back(self, successor: Successor) -> None:
        go_back(self._logged_in_with(self._vault, Vault(successor.master)), self._way(successor), self._tell)

    def dismiss_next_login(self, successor: Successor) -> None:
        self._tell("the next login key is taken away")
        following = Vault(successor.master)
        present = self._logged_in_with(self._vault, following)
        self._edit_keys(present, "remove", _login_key(following), _login_key(self._vault))

    @property
    def _vault(self) -> Vault:
        """Of the master secret that is in force: another one after the switch."""
        return Vault(self._store.master)

    @property
    def _standing(self) -> tuple[RunningHost, ...]:
        return tuple(self._hosts.values())

    def _way(self, successor: Successor) -> Transition:
        now = self._configuration.fleet.mesh.epoch
        then = next_epoch(now, Wish.KEYS)
        if then.keys != successor.epoch:
            raise RotationStopped(
                f"the exchange of the master secret was begun at mesh.epoch.keys {successor.epoch - 1}, and fleet.yaml "
                f"says {now.keys} now. The mesh was left as it is. Put {successor.epoch - 1} back, then: {COMMAND}"
            )
        old, new = KeySource(now, self._vault), KeySource(then, Vault(successor.master))
        return transition(self._configuration, self._standing, old, new)

    def _logged_in_with(self, vault: Vault, also_shown: Vault | None = None) -> Fleet:
        """The hosts by one master secret's login key; host keys are this one's, and ``also_shown``'s if given."""
        vaults = [vault, also_shown] if also_shown else [vault]
        targets = {
            name: replace(host.target, pins=tuple(dict.fromkeys(_host_key(host.ref, each) for each in vaults)))
            for name, host in self._hosts.items()
        }
        return Fleet(targets, vault.ed25519_private(*DEPLOY_PATH))

    def _edit_keys(self, fleet: Fleet, action: str, *keys: str) -> None:
        with connected(fleet) as connections:
            connections.for_each(list(fleet.targets), partial(_edit_keys, action, [key.split()[1] for key in keys]))

    def _prove(self, fleet: Fleet) -> None:
        """Log in to every host anew."""
        with connected(fleet):
            pass

    def _exchange_host_key(self, following: Vault, name: str, connection: Connection) -> None:
        fresh = self._logged_in_with(following)
        apply(
            connection,
            host_key_state(self._configuration, self._hosts[name].ref, following),
            confirm=lambda: connect(fresh.targets[name], fresh.login_key, deadline_seconds=CONFIRM_SECONDS),
        )

    def _tell(self, line: str) -> None:
        self._progress("mesh", line)


def host_key_state(configuration: Configuration, ref: HostRef, vault: Vault) -> HostState:
    """The permanent host key of a rented host as its base has it, and nothing else; secrets are filled in."""
    files = tuple(file for file in base_state(configuration, ref, vault).files if file.path.startswith(HOST_KEY))
    return filled(HostState(name="host-key", files=files, handlers=(SSHD,)), vault)


def _host_key(ref: HostRef, vault: Vault) -> str:
    return pinned_host_key(ref.host, ref.id, vault)


def _login_key(vault: Vault) -> str:
    return vault.ed25519_public(*DEPLOY_PATH)


def _edit_keys(action: str, keys: Sequence[str], name: str, connection: Connection) -> None:
    script = (resources.files("fleet.mesh") / "authorized_keys.py").read_bytes()
    target = connection.target
    done = connection.run(target.as_root("python3", "-", action, target.user, *keys), stdin=script)
    if done.exit_status != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise HostError(f"{target}: its login keys could not be edited: {' '.join(last) or done.exit_status}.")
    if error := json.loads(done.stdout)["error"]:
        raise HostError(f"{target}: {error}.")
