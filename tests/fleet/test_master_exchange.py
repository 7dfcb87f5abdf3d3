"""The exchange of the master secret as steps: killed at every point, it is finished or called off by the next run.

The secrets file is the real one. The hosts are small: who is let in, which host key is shown, how far the mesh is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.mesh.exchange import call_off, exchange
from fleet.mesh.rotate import RotationStopped
from fleet.secrets import SecretStore, Vault, store
from fleet.secrets.store import Successor
from infra.first_boot import DEPLOY_PATH, permanent_path
from wireguard.plan import MeshError
from wireguard.rotation import Stage

PASSPHRASE = "correct horse"
OWNERS_KEY = "ssh-ed25519 of the hub's owner"


class Killed(Exception):
    """The run ends here, as by SIGKILL."""


@dataclass
class Clock:
    """Ends a run before its n-th change of anything; counts the changes."""

    fatal: int | None = None
    changes: int = 0

    def change(self) -> None:
        if self.changes == self.fatal:
            raise Killed
        self.changes += 1


def login_of(master: bytes) -> str:
    return Vault(master).ed25519_public(*DEPLOY_PATH)


def host_key_of(name: str, master: bytes) -> str:
    return Vault(master).ed25519_public(*permanent_path(name, 1))


@dataclass
class SmallHost:
    name: str
    rented: bool
    logins: set[str]
    host_key: str
    stage: Stage = Stage.OLD

    def log_in(self, master: bytes, *shown: bytes) -> None:
        """As ssh does: the host key must be expected, the login key must be let in."""
        expected = [host_key_of(self.name, each) for each in (master, *shown)] if self.rented else [self.host_key]
        assert self.host_key in expected, f"{self.name} shows another host key"
        assert login_of(master) in self.logins, f"{self.name} refuses the login key"


@dataclass
class SmallFleet:
    """See ``fleet.mesh.exchange.Acts``: each change is told to the clock before it is made."""

    path: Path
    hosts: dict[str, SmallHost]
    epoch: int = 3
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.reopen()

    def reopen(self, fatal: int | None = None) -> None:
        """What a new process begins with."""
        self.store = SecretStore.open(self.path, PASSPHRASE)
        self.clock = Clock(fatal)

    def require_rest(self) -> int:
        for host in self.hosts.values():
            host.log_in(self.store.master)
            if host.stage is not Stage.OLD:
                raise RotationStopped("another rotation is unfinished")
        return self.epoch + 1

    def admit_next_login(self, successor: Successor) -> None:
        for host in self.hosts.values():
            host.log_in(self.store.master, successor.master)
            self._set(host, logins=host.logins | {login_of(successor.master)})
        for host in self.hosts.values():
            host.log_in(successor.master, self.store.master)

    def move_mesh(self, successor: Successor) -> None:
        for stage in (Stage.BOTH, Stage.MOVED, Stage.NEW):
            for host in self.hosts.values():
                host.log_in(self.store.master, successor.master)
                self._set(host, stage=max(host.stage, stage))

    def show_next_host_keys(self, successor: Successor) -> None:
        assert {host.stage for host in self.hosts.values()} == {Stage.NEW}, "from here on there is no way back"
        for host in self.hosts.values():
            host.log_in(self.store.master, successor.master)
            if host.rented:
                self._set(host, host_key=host_key_of(host.name, successor.master))
        for host in self.hosts.values():
            host.log_in(successor.master)

    def record(self, epoch: int) -> None:
        if self.epoch < epoch:
            self.clock.change()
            self.epoch = epoch
        for host in self.hosts.values():
            host.log_in(self.store.master)
            if host.rented:
                self._set(host, logins={login_of(self.store.master)})

    def dismiss_former_login(self, login_key: str) -> None:
        for host in self.hosts.values():
            host.log_in(self.store.master)
            self._set(host, logins=host.logins - {login_key})

    def move_mesh_back(self, successor: Successor) -> None:
        if Stage.NEW in {host.stage for host in self.hosts.values()}:
            raise MeshError(["the old interface is gone already"])
        for host in self.hosts.values():
            host.log_in(self.store.master, successor.master)
            self._set(host, stage=Stage.OLD)

    def dismiss_next_login(self, successor: Successor) -> None:
        for host in self.hosts.values():
            host.log_in(self.store.master, successor.master)
            self._set(host, logins=host.logins - {login_of(successor.master)})

    def _set(self, host: SmallHost, **values: object) -> None:
        if any(getattr(host, name) != value for name, value in values.items()):
            self.clock.change()
            vars(host).update(values)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], SmallFleet]]:
    """Makes fleets at rest; writes of a secrets file are told to the clock of the latest one, before and after."""
    monkeypatch.setitem(store._SCRYPT, "n", 2)  # the file is opened some hundred times
    write = store._write_atomically
    made: list[SmallFleet] = []

    def told(path: Path, text: str, publish: Callable[[Path, Path], None]) -> None:
        clocks = [made[-1].clock] if publish is store._publish_over else []
        for clock in clocks:
            clock.change()
        write(path, text, publish)
        for clock in clocks:
            clock.change()

    monkeypatch.setattr(store, "_write_atomically", told)

    def make() -> SmallFleet:
        path = tmp_path / f"secrets-{len(made)}.json"
        opened = SecretStore.create(path, PASSPHRASE)
        login = login_of(opened.master)
        hosts = {name: SmallHost(name, True, {login}, host_key_of(name, opened.master)) for name in ("nj", "sg")}
        hub = SmallHost("hub", False, {login, OWNERS_KEY}, "the hub's own")
        made.append(SmallFleet(path, {"hub": hub, **hosts}))
        return made[-1]

    try:
        yield make
    finally:
        made.clear()


def run(fleet: SmallFleet, action: Callable[..., None] = exchange, fatal: int | None = None) -> bool:
    """Whether a process, killed before a change or not, came to its end; what it leaves can always be gone on from."""
    fleet.reopen(fatal)
    try:
        action(fleet.store, fleet, lambda line: None)
    except Killed:
        fleet.reopen()
        for host in fleet.hosts.values():
            successor = fleet.store.successor
            host.log_in(fleet.store.master, *([successor.master] if successor else []))
        return False
    return True


def assert_exchanged(fleet: SmallFleet, former: bytes) -> None:
    opened = SecretStore.open(fleet.path, PASSPHRASE)
    assert (opened.successor, opened.retired) == (None, None)
    assert opened.master != former
    assert fleet.epoch == 4
    assert {name: host.logins for name, host in fleet.hosts.items()} == {
        "hub": {OWNERS_KEY, login_of(opened.master)},
        "nj": {login_of(opened.master)},
        "sg": {login_of(opened.master)},
    }
    assert {name: host.host_key for name, host in fleet.hosts.items()} == {
        "hub": "the hub's own",
        "nj": host_key_of("nj", opened.master),
        "sg": host_key_of("sg", opened.master),
    }
    assert {host.stage for host in fleet.hosts.values()} == {Stage.NEW}


def changes_of_a_whole_run(fleet: SmallFleet) -> int:
    assert run(fleet)
    return fleet.clock.changes


def test_a_whole_exchange(fleet: Callable[[], SmallFleet]) -> None:
    made = fleet()
    former = made.store.master
    assert run(made)
    assert_exchanged(made, former)


def test_killed_before_any_change_it_is_finished_by_the_next_run(fleet: Callable[[], SmallFleet]) -> None:
    points = changes_of_a_whole_run(fleet())
    assert points > 20
    for point in range(points - 1):  # the last one is the end of the last write: nothing is left to finish
        made = fleet()
        former = made.store.master
        assert not run(made, fatal=point)
        assert run(made), point
        assert_exchanged(made, former)


def test_killed_again_and_again_it_comes_to_its_end(fleet: Callable[[], SmallFleet]) -> None:
    made = fleet()
    former = made.store.master
    # Two changes a run: a write of the secrets file counts as two, and half of one is nothing.
    runs = 1
    while not run(made, fatal=2):
        runs += 1
        assert runs < 100
    assert runs > 10
    assert_exchanged(made, former)


def test_called_off_at_any_point_it_leaves_nothing_or_says_that_it_is_too_late(
    fleet: Callable[[], SmallFleet],
) -> None:
    points = changes_of_a_whole_run(fleet())
    called_off, too_late = 0, 0
    for point in range(points):
        made = fleet()
        former = made.store.master
        before = {name: (set(host.logins), host.host_key, host.stage) for name, host in made.hosts.items()}
        run(made, fatal=point)
        if made.store.successor is None and made.store.retired is None:
            continue
        try:
            # Killed on its way back, too: the same command goes on.
            while not run(made, call_off, fatal=2):
                pass
        except (RotationStopped, MeshError):
            too_late += 1
            assert run(made)
            assert_exchanged(made, former)
            continue
        called_off += 1
        opened = SecretStore.open(made.path, PASSPHRASE)
        assert (opened.master, opened.successor, opened.retired, made.epoch) == (former, None, None, 3)
        assert {name: (host.logins, host.host_key, host.stage) for name, host in made.hosts.items()} == before
    assert called_off > 5
    assert too_late > 5


def test_it_does_not_begin_while_another_rotation_is_unfinished(fleet: Callable[[], SmallFleet]) -> None:
    made = fleet()
    made.hosts["sg"].stage = Stage.BOTH
    with pytest.raises(RotationStopped, match="another rotation is unfinished"):
        run(made)
    assert made.store.successor is None


def test_once_the_new_secret_is_in_force_there_is_no_way_back(fleet: Callable[[], SmallFleet]) -> None:
    made = fleet()
    made.store.name_successor(4)
    made.store.switch(login_of(made.store.master))
    with pytest.raises(RotationStopped, match=r"Finish: fleet mesh rotate --master"):
        run(made, call_off)
