"""Passwords derived from the master secret, and the hash that some servers want to have of them instead."""

from __future__ import annotations

import hashlib

from fleet.secrets.derive import derive


def password(master: bytes, *path: str) -> str:
    """A password: 64 hexadecimal digits, which no connection string and no configuration file needs to quote."""
    return derive(master, "password", *path).hex()


def password_sha256(master: bytes, *path: str) -> str:
    """The SHA-256 of ``password`` with the same path, hexadecimal: what stands in Redis' file of users."""
    return hashlib.sha256(password(master, *path).encode()).hexdigest()
