"""The exchange of a fleet's master secret as steps that may be killed anywhere and repeated.

Where it stands is in the secrets file alone: a successor (hosts are being prepared; the way back is open), or what is
retired (the successor has taken over; only forward). Each act finds what is done already and does the rest.

The order is the point. Nothing is taken from a host before the switch but the old mesh interface and its host key, and
both of those only after everything else was proved: so the present master secret logs in everywhere until the switch,
and the next one everywhere from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fleet.mesh.rotate import RotationStopped
from fleet.secrets import SecretStore, Vault
from fleet.secrets.store import Successor
from infra.first_boot import DEPLOY_PATH


class Acts(Protocol):
    """What an exchange does to the hosts and to the fleet's files. Every act may be repeated; each raises
    ``RotationStopped`` or ``MeshError`` where it cannot be done."""

    def require_rest(self) -> int:
        """Refuse unless every host answers and no other rotation is under way; the mesh's next epoch of key pairs."""

    def admit_next_login(self, successor: Successor) -> None:
        """Let the next login key in beside the present one on every host, and prove that it gets in."""

    def move_mesh(self, successor: Successor) -> None:
        """Give the mesh the next epoch's keys, of the successor."""

    def show_next_host_keys(self, successor: Successor) -> None:
        """Let every host whose host key we derive show the successor's, and prove that all of them are reached so."""

    def record(self, epoch: int) -> None:
        """Write the epoch to fleet.yaml and bring the stacks up with what the master secret gives now."""

    def dismiss_former_login(self, login_key: str) -> None:
        """Take the former login key away wherever it is left."""

    def move_mesh_back(self, successor: Successor) -> None:
        """Bring the mesh back to the keys it had."""

    def dismiss_next_login(self, successor: Successor) -> None:
        """Take the next login key away from every host."""


def exchange(store: SecretStore, acts: Acts, tell: Callable[[str], None]) -> None:
    """Exchange the master secret, from wherever an earlier run left it.

    Raises:
        RotationStopped, MeshError, SecretError: it could not go on; the fleet works as it is, and calling again goes on
            from there.
    """
    if store.retired is None:
        if store.successor is None:
            store.name_successor(acts.require_rest())
            tell(f"the next master secret is kept in {store.path}, beside the present one: back the file up now")
        assert store.successor is not None
        acts.admit_next_login(store.successor)
        acts.move_mesh(store.successor)
        acts.show_next_host_keys(store.successor)
        store.switch(Vault(store.master).ed25519_public(*DEPLOY_PATH))
        tell(f"the new master secret is in force: back {store.path} up and give it to everyone who runs this fleet")
    assert store.retired is not None
    acts.record(store.retired.epoch)
    acts.dismiss_former_login(store.retired.login_key)
    store.forget_retired()
    tell("done: nothing on any host knows the former master secret any more")


def call_off(store: SecretStore, acts: Acts, tell: Callable[[str], None]) -> None:
    """Go back to the present master secret.

    Raises:
        RotationStopped, MeshError: it is too late for that, or a host could not be brought back; calling again goes on.
    """
    if store.successor is None:
        raise RotationStopped(
            "the new master secret is in force already, so there is no way back. Finish: fleet mesh rotate --master; "
            "then exchange it once more if you must"
        )
    acts.move_mesh_back(store.successor)
    acts.dismiss_next_login(store.successor)
    store.drop_successor()
    tell("called off: the master secret is the one it was, and no host knows another one")
