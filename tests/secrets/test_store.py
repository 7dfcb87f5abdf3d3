"""The secrets file: private, whole or not there, and clear about what is wrong with it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.secrets import SecretError, SecretStore
from fleet.secrets.store import Retired

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


@pytest.fixture
def store(path: Path) -> SecretStore:
    return SecretStore.create(path, PASSPHRASE)


def test_what_was_stored_comes_back(store: SecretStore, path: Path) -> None:
    store.set("vultr", "token-1")
    store.set("digitalocean", "tökén\n2")
    again = SecretStore.open(path, PASSPHRASE)
    assert again.master == store.master
    assert again.names() == ("digitalocean", "vultr")
    assert again.get("digitalocean") == "tökén\n2"
    again.remove("vultr")
    assert SecretStore.open(path, PASSPHRASE).names() == ("digitalocean",)


def test_the_file_is_for_its_owner_alone_and_holds_nothing_in_clear(store: SecretStore, path: Path) -> None:
    store.set("vultr", "token-in-clear")
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    for secret in ("token-in-clear", "vultr", PASSPHRASE, store.master.hex()):
        assert secret not in text
    assert list(path.parent.iterdir()) == [path]


def test_each_master_is_random_unless_given(tmp_path: Path) -> None:
    masters = [SecretStore.create(tmp_path / name, PASSPHRASE).master for name in ("a", "b")]
    assert masters[0] != masters[1]
    assert SecretStore.create(tmp_path / "c", PASSPHRASE, master=masters[0]).master == masters[0]


def test_an_existing_file_is_never_overwritten(store: SecretStore, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(SecretError, match="exists already"):
        SecretStore.create(path, "another")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_wrong_passphrase(store: SecretStore, path: Path) -> None:
    with pytest.raises(SecretError) as error:
        SecretStore.open(path, "wrong")
    assert str(error.value) == f"{path}: wrong passphrase"


def test_missing_file(path: Path) -> None:
    with pytest.raises(SecretError, match=r"no such file; 'fleet init' creates it"):
        SecretStore.open(path, PASSPHRASE)


def with_field(name: str, value: object) -> Callable[[str], str]:
    def change(text: str) -> str:
        envelope: dict[str, Any] = json.loads(text)
        return json.dumps({**envelope, name: value})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-40], "damaged, or not a secrets file"),
        (lambda text: "", "damaged, or not a secrets file"),
        (lambda text: "[1]", "damaged, or not a secrets file"),
        (lambda text: "[" * 100_000, "damaged, or not a secrets file"),
        (with_field("data", "AAAA"), "damaged, or not a secrets file"),
        (with_field("kdf", {"name": "scrypt", "n": 2, "r": 8, "p": 1}), "damaged, or not a secrets file"),
        (with_field("format_version", 2), "format_version 2 is not known here; this program reads 1"),
        (with_field("format_version", "x"), "format_version 'x' is not known here"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(
    store: SecretStore, path: Path, change: Callable[[str], str], message: str
) -> None:
    path.write_text(change(path.read_text()))
    with pytest.raises(SecretError, match=message) as error:
        SecretStore.open(path, PASSPHRASE)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_an_unknown_name_names_the_known_ones(store: SecretStore) -> None:
    with pytest.raises(SecretError, match="it holds: none yet"):
        store.get("vultr")
    store.set("aws", "x")
    with pytest.raises(SecretError, match="no secret named 'vultr'; it holds: aws"):
        store.get("vultr")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="cannot be written: No such file or directory"):
        SecretStore.create(tmp_path / "missing" / "secrets.json", PASSPHRASE)


def test_an_empty_passphrase_is_refused(store: SecretStore, tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="passphrase is empty"):
        SecretStore.create(tmp_path / "other", "")
    with pytest.raises(SecretError, match="passphrase is empty"):
        store.change_passphrase("")


def test_the_passphrase_can_change(store: SecretStore, path: Path) -> None:
    store.set("vultr", "token")
    store.change_passphrase("another")
    store.set("aws", "key")
    with pytest.raises(SecretError, match="wrong passphrase"):
        SecretStore.open(path, PASSPHRASE)
    assert SecretStore.open(path, "another").get("vultr") == "token"


def test_a_successor_takes_over_and_what_it_replaced_is_remembered_until_forgotten(
    store: SecretStore, path: Path
) -> None:
    store.set("vultr", "token")
    before = store.master
    successor = store.name_successor(epoch=4)
    again = SecretStore.open(path, PASSPHRASE)
    assert (again.master, again.successor, again.retired) == (before, successor, None)
    assert successor.master != before
    assert len(successor.master) == 32

    again.set("aws", "key")
    again.change_passphrase("another")
    again.switch("ssh-ed25519 AAAA")
    switched = SecretStore.open(path, "another")
    assert (switched.master, switched.successor, switched.retired) == (
        successor.master,
        None,
        Retired("ssh-ed25519 AAAA", 4),
    )
    assert switched.names() == ("aws", "vultr")

    switched.remove("aws")
    assert switched.retired == Retired("ssh-ed25519 AAAA", 4)
    switched.forget_retired()
    assert SecretStore.open(path, "another").retired is None
    assert SecretStore.open(path, "another").master == successor.master


def test_an_exchange_that_is_called_off_leaves_the_master_as_it_was(store: SecretStore, path: Path) -> None:
    before = store.master
    store.name_successor(epoch=2)
    store.drop_successor()
    again = SecretStore.open(path, PASSPHRASE)
    assert (again.master, again.successor) == (before, None)
    with pytest.raises(SecretError, match="no exchange of the master secret is under way"):
        again.switch("ssh-ed25519 AAAA")


def test_one_exchange_at_a_time(store: SecretStore) -> None:
    store.name_successor(epoch=2)
    with pytest.raises(SecretError, match="being exchanged already"):
        store.name_successor(epoch=2)
    store.switch("ssh-ed25519 AAAA")
    with pytest.raises(SecretError, match="being exchanged already"):
        store.name_successor(epoch=3)


def test_a_successor_shows_nothing_of_itself(store: SecretStore, path: Path) -> None:
    successor = store.name_successor(epoch=2)
    assert str(successor.master) not in repr(successor)
    assert base64.b64encode(successor.master).decode() not in path.read_text()


def test_a_write_that_fails_leaves_the_old_file(
    store: SecretStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.set("vultr", "old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SecretError, match="No space left on device"):
        store.set("vultr", "new")
    assert store.get("vultr") == "old"
    assert SecretStore.open(path, PASSPHRASE).get("vultr") == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_store_shows_nothing_of_itself(store: SecretStore, path: Path) -> None:
    assert repr(store) == f"SecretStore({path})"
