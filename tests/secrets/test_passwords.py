"""Passwords of services: derived, and as hash where a server takes that."""

from __future__ import annotations

import hashlib

from fleet.secrets import Vault

VAULT = Vault(bytes(range(32)))


def test_a_password_and_its_hash_belong_together_and_to_their_path() -> None:
    password = VAULT.fill(VAULT.reference("password", "redis", "app"))
    hashed = VAULT.fill(VAULT.reference("passwordsha256", "redis", "app"))
    assert hashlib.sha256(password.encode()).hexdigest() == hashed
    assert len(password) == 64
    assert VAULT.fill(VAULT.reference("password", "redis", "admin")) != password
    assert Vault(bytes(32)).fill(Vault(bytes(32)).reference("password", "redis", "app")) != password


def test_a_password_never_changes() -> None:
    """Running services keep theirs over releases of this package: this text may never need another value."""
    expected = "c7c9a3106da30c215ae4c6038638314a01f06c20b56ff8489f0ca9dab49fdb29"
    assert VAULT.fill(VAULT.reference("password", "redis", "app")) == expected
