"""References stand in texts instead of secrets, and come back as exactly the secret they stood for."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.secrets import SecretError, Vault
from fleet.secrets.reference import Kind

VAULT = Vault(bytes(range(32)), lambda name: f"value of {name}")
OTHER = Vault(bytes(32))

parts = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
references = st.builds(
    lambda kind, path: (VAULT.reference(kind, *path), kind, path),
    st.sampled_from(get_args(Kind)),
    st.lists(parts, min_size=1, max_size=4),
)


def value_of(kind: str, path: list[str]) -> str:
    makers = {
        "x25519": VAULT.x25519_private,
        "preshared": VAULT.preshared,
        "ed25519": VAULT.ed25519_private,
        "password": VAULT.password,
        "passwordsha256": VAULT.password_sha256,
        "named": lambda *path: f"value of {'/'.join(path)}",
    }
    return makers[kind](*path)


def test_a_reference_tells_kind_path_and_fingerprint() -> None:
    reference = VAULT.reference("x25519", "mesh", "private", "nj", "1")
    assert reference.startswith("secret:x25519/mesh/private/nj/1#")
    assert len(reference.rpartition("#")[2]) == 12


def test_fill_puts_the_secret_in_its_place() -> None:
    text = f"PrivateKey = {VAULT.reference('x25519', 'mesh', 'private', 'nj', '1')}\nMTU = 1420\n"
    assert VAULT.has_reference(text)
    filled = VAULT.fill(text)
    assert filled == f"PrivateKey = {VAULT.x25519_private('mesh', 'private', 'nj', '1')}\nMTU = 1420\n"
    assert not VAULT.has_reference(filled)


@given(st.lists(references, max_size=5))
def test_any_text_of_references_is_filled_whole(drawn: list[tuple[str, str, list[str]]]) -> None:
    text = "".join(f"key = '{reference}'\n" for reference, _, _ in drawn)
    filled = VAULT.fill(text)
    assert "secret:" not in filled
    for _, kind, path in drawn:
        assert value_of(kind, path).rstrip("\n") in filled


@given(references)
def test_a_reference_holds_nothing_of_its_secret(drawn: tuple[str, str, list[str]]) -> None:
    reference, kind, path = drawn
    fingerprint = reference.rpartition("#")[2]
    assert fingerprint not in value_of(kind, path)
    assert reference == VAULT.reference(kind, *path)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", ["", "\n", "\n# end\n"])
def test_an_ssh_key_ends_with_exactly_one_newline(after: str) -> None:
    filled = VAULT.fill(VAULT.reference("ed25519", "ssh", "host", "nj") + after)
    assert filled == VAULT.ed25519_private("ssh", "host", "nj") + after.removeprefix("\n")


def test_text_without_references_stays() -> None:
    text = "secrets: none\nsecret: of life\nsecret:\n"
    assert VAULT.fill(text) == text
    assert not VAULT.has_reference(text)


def test_a_text_of_another_master_is_refused_by_name() -> None:
    reference = OTHER.reference("preshared", "mesh", "psk", "hub", "nj", "1")
    with pytest.raises(SecretError) as error:
        VAULT.fill(f"PresharedKey = {reference}\n")
    assert reference in str(error.value)
    assert VAULT.preshared("mesh", "psk", "hub", "nj", "1") not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("secret:rsa/ssh/nj#0123456789ab", "no secret of kind 'rsa'"),
        ("secret:x25519/mesh#0123", "12 hexadecimal digits"),
        ("secret:x25519/mesh//nj#0123456789ab", "not a secret reference"),
        ("secret:x25519/../nj#0123456789ab", "not a secret reference"),
        ("secret:x25519/mesh#0123456789abcdef", "not a secret reference"),
    ],
)
def test_a_malformed_reference_is_an_error_and_never_left_in_a_file(text: str, reason: str) -> None:
    with pytest.raises(SecretError, match=reason) as error:
        VAULT.fill(f"key = {text}\n")
    assert text in str(error.value)


@pytest.mark.parametrize("path", [(), ("",), ("a b",), ("a/b",), ("a", "#"), ("..",)])
def test_a_path_that_cannot_be_read_back_is_refused(path: tuple[str, ...]) -> None:
    with pytest.raises(SecretError, match="cannot be referred to"):
        VAULT.reference("x25519", *path)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SecretError, match="there are x25519, preshared, ed25519"):
        VAULT.reference("rsa", "a")  # type: ignore[arg-type]


def test_a_vault_shows_nothing_of_itself() -> None:
    assert repr(VAULT) == str(VAULT) == "Vault()"
