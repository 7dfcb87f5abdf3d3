"""Where secrets with names come from, and what is said where one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.model.fleet import Credentials
from fleet.secrets import SecretError, SecretStore, Vault
from fleet.secrets.sources import check_name, check_value, named_secrets

NAME = "alpaca/nj/api-key"


def nothing(name: str) -> str:
    """A fleet whose stacks have no secrets."""
    raise SecretError(f"no secret {name}")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SecretStore:
    made = SecretStore.create(tmp_path_factory.mktemp("secrets") / "secrets", "a passphrase")
    made.set(NAME, "from the file")
    return made


def test_the_encrypted_file_is_the_default(store: SecretStore) -> None:
    assert named_secrets(Credentials(), store, {}, nothing)(NAME) == "from the file"
    with pytest.raises(SecretError, match="no secret bybit/sg/api-key: run: fleet secrets set bybit/sg/api-key"):
        named_secrets(Credentials(), store, {}, nothing)("bybit/sg/api-key")


def test_the_environment(store: SecretStore) -> None:
    source = named_secrets(
        Credentials(source="environment"), store, {"FLEET_SECRET_ALPACA_NJ_API_KEY": "from there"}, nothing
    )
    assert source(NAME) == "from there"
    with pytest.raises(SecretError, match="set FLEET_SECRET_BYBIT_SG_API_KEY in the environment"):
        source("bybit/sg/api-key")


def test_a_command_is_asked_once_a_name(store: SecretStore, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    command = ("sh", "-c", f'echo "$1" >> {asked}; echo "of $1"', "sh", "fleet/{name}")
    source = named_secrets(Credentials(source="command", command=command), store, {}, nothing)
    assert [source(NAME), source(NAME)] == [f"of fleet/{NAME}"] * 2
    assert asked.read_text() == f"fleet/{NAME}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [(("false", "{name}"), "ended with status 1"), (("/nowhere/pass", "{name}"), "No such file or directory")],
)
def test_a_command_that_fails(store: SecretStore, command: tuple[str, ...], said: str) -> None:
    source = named_secrets(Credentials(source="command", command=command), store, {}, nothing)
    with pytest.raises(SecretError, match=f"no secret {NAME}: .*{said}"):
        source(NAME)


@pytest.mark.parametrize("value", ["", "a\nb", "it's", "ends with \\"])
def test_a_value_that_an_env_file_cannot_hold_is_not_taken_nor_repeated(value: str) -> None:
    with pytest.raises(SecretError) as caught:
        check_value(NAME, value)
    assert str(caught.value).startswith(f"{NAME}: the value ")
    assert not value or value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "/a", "a//b", "a b", "a/", "-a"])
def test_a_name_that_no_reference_can_carry(name: str) -> None:
    with pytest.raises(SecretError, match="is not a secret's name"):
        check_name(name)


def test_a_changed_value_changes_the_reference_and_makes_the_old_one_void() -> None:
    before, after = (Vault(bytes(32), lambda name, value=value: value) for value in ("one", "two"))  # type: ignore[misc]
    old, new = (vault.reference("named", "alpaca", "nj", "api-key") for vault in (before, after))
    assert old != new
    assert after.fill(new) == "two"
    with pytest.raises(SecretError, match="its value changed since the text was rendered"):
        after.fill(old)
