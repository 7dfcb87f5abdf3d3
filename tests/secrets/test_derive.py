"""Derived keys: stable for ever, unrelated between paths, and accepted by the programs that use them."""

from __future__ import annotations

import base64
import io
import subprocess
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from fleet.secrets import SecretError
from fleet.secrets.derive import (
    derive,
    ed25519_private,
    ed25519_public,
    preshared,
    x25519_private,
    x25519_public,
)

MASTER = bytes(range(32))
paths = st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple)


def test_keys_of_a_fleet_never_change() -> None:
    # These values are on hosts: if this test fails, a release would change the keys of every fleet.
    assert derive(MASTER, "a", "b").hex() == "e5256b3967b2de5a39603c065632a176df7fd64296a60f35e04a09fa888a2701"
    assert x25519_public(MASTER, "mesh", "private", "nj", "1") == "wOj/kcIPvWxvPSt8Pq4q/GoewF7o/4HzgM2Cjuu70mc="
    assert preshared(MASTER, "mesh", "psk", "hub", "nj", "1") == "Jwd0nd9GmnAdh3THFD5bamesFtk1bkJmqIoVJu3BvdE="
    assert ed25519_public(MASTER, "ssh", "deploy") == (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICJ7l4FiwyfnCyvafJyhhqtlYpRRg/62rePvXRh695ue"
    )


@given(st.binary(min_size=32, max_size=32), paths)
def test_the_derivation_is_rfc_5869s(master: bytes, path: tuple[str, ...]) -> None:
    parts = [part.encode() for part in path]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert derive(master, *path) == HKDF(SHA256(), 32, b"fleet/derive/v1", info).derive(master)


@given(paths, paths)
def test_two_paths_never_share_a_key(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert (derive(MASTER, *first) == derive(MASTER, *second)) == (first == second)


def test_parts_of_a_path_do_not_run_together() -> None:
    assert derive(MASTER, "ab", "c") != derive(MASTER, "a", "bc") != derive(MASTER, "abc")


def test_kinds_of_keys_at_one_path_are_unrelated() -> None:
    shared = base64.b64decode(preshared(MASTER, "p"))
    private = base64.b64decode(x25519_private(MASTER, "p"))
    assert shared[1:31] != private[1:31]


def test_another_master_gives_other_keys() -> None:
    assert derive(MASTER, "a") != derive(bytes(32), "a")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_master_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SecretError, match=f"32 bytes; this one has {length}"):
        derive(bytes(length), "a")


def test_a_key_needs_a_path() -> None:
    with pytest.raises(SecretError, match="path"):
        derive(MASTER)


def test_wireguard_reads_our_private_key_as_we_do() -> None:
    private = x25519_private(MASTER, "mesh", "private", "nj", "1")
    shown = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
    assert shown == x25519_public(MASTER, "mesh", "private", "nj", "1")


@given(paths)
def test_private_keys_are_clamped(path: tuple[str, ...]) -> None:
    key = base64.b64decode(x25519_private(MASTER, *path))
    assert (key[0] & 7, key[31] & 0b1100_0000) == (0, 0b0100_0000)


@pytest.mark.parametrize("comment", ["", "deploy", "deploy key of fleet demo"])
def test_openssh_and_paramiko_load_our_ssh_key(tmp_path: Path, comment: str) -> None:
    pem = ed25519_private(MASTER, "ssh", "deploy", comment=comment)
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(pem)
    shown = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True).stdout
    public = ed25519_public(MASTER, "ssh", "deploy", comment=comment)
    assert shown.strip() == public
    assert paramiko.Ed25519Key.from_private_key(io.StringIO(pem)).get_base64() == public.split()[1]


def test_ssh_key_is_the_same_text_each_time() -> None:
    assert ed25519_private(MASTER, "ssh", "deploy") == ed25519_private(MASTER, "ssh", "deploy")


def test_public_key_without_comment_is_a_pin() -> None:
    kind, blob = ed25519_public(MASTER, "ssh", "host", "nj").split(" ")
    assert (kind, len(base64.b64decode(blob))) == ("ssh-ed25519", 51)
