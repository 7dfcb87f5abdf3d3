"""References: what stands in a text instead of a secret until the text goes to its host.

``secret:<kind>/<path...>#<fingerprint>``, for example ``secret:x25519/mesh/private/nj/1#0f3a9c5b7d21``. Plans, states
and previews hold references only. The fingerprint is an HMAC of the value under a derived key: it says nothing about
the value, changes whenever the value does (so that a rotation shows in a preview), and tells a text that was rendered
with another master secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Literal

from fleet.secrets import derive, passwords
from fleet.secrets.errors import SecretError

Kind = Literal["x25519", "preshared", "ed25519", "password", "passwordsha256", "named"]
"""What a reference may stand for: a WireGuard private key, a WireGuard pre-shared key, an ssh private key, a password,
the SHA-256 of the password with the same path, a secret that somebody set under a name."""

FINGERPRINT_DIGITS = 12
"""Hexadecimal digits of a fingerprint: 48 bits tell apart what one fleet holds."""

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_LOOKS_LIKE = re.compile(r"secret:[a-z0-9]+/[^\s#\"']*#[0-9a-zA-Z]*")
_REFERENCE = re.compile(rf"secret:([a-z0-9]+)/({_PART}(?:/{_PART})*)#([0-9a-f]{{{FINGERPRINT_DIGITS}}})")
_VALUES: Mapping[str, Callable[..., str]] = {
    "x25519": derive.x25519_private,
    "preshared": derive.preshared,
    "ed25519": derive.ed25519_private,
    "password": passwords.password,
    "passwordsha256": passwords.password_sha256,
}
NAMED = "named"
_KINDS = (*_VALUES, NAMED)


NamedSecrets = Callable[[str], str]
"""The value of a secret by its name; raises ``SecretError``, with what to do, where there is none."""


def no_named_secrets(name: str) -> str:
    """The source of a vault that only derives.

    Raises:
        SecretError: always.
    """
    raise SecretError(f"{name}: secrets with names are not open here")


class Vault:
    """Every secret of a fleet: what its master secret gives, and what people set under a name.

    It gives references to texts and fills them in again.
    """

    __slots__ = ("_fingerprint_key", "_master", "_named")

    def __init__(self, master: bytes, named: NamedSecrets = no_named_secrets) -> None:
        """Open the vault of one master secret, with the secrets that have names.

        Raises:
            SecretError: the master secret is not 32 bytes long.
        """
        self._master = master
        self._named = named
        self._fingerprint_key = derive.derive(master, "reference", "fingerprint")

    def __repr__(self) -> str:
        return "Vault()"

    def reference(self, kind: Kind, *path: str) -> str:
        """The reference to a secret.

        Raises:
            SecretError: an unknown kind, a part of the path with other than letters, digits, ``.``, ``_``, ``-``, or no
                secret of that name.
        """
        if kind not in _KINDS:
            raise SecretError(f"no secret of kind {kind!r}; there are {', '.join(_KINDS)}")
        wrong = [part for part in path if not re.fullmatch(_PART, part)]
        if wrong or not path:
            raise SecretError(
                f"secret:{kind}/{'/'.join(path)} cannot be referred to: "
                "each part of the path is letters, digits, '.', '_', '-' and starts with a letter or digit"
            )
        return f"secret:{kind}/{'/'.join(path)}#{self._fingerprint(kind, path)}"

    def fill(self, text: str) -> str:
        """The text with every reference replaced by its secret.

        An ssh key is a text of several lines: its reference stands alone on its line.

        Raises:
            SecretError: a reference that is malformed, of unknown kind, or made under another master secret; names the
                reference.
        """
        pieces: list[str] = []
        end = 0
        for found in _LOOKS_LIKE.finditer(text):
            value = self._resolve(found.group())
            if value.endswith("\n") and text[found.end() : found.end() + 1] == "\n":
                value = value[:-1]
            pieces += (text[end : found.start()], value)
            end = found.end()
        return "".join([*pieces, text[end:]])

    def has_reference(self, text: str) -> bool:
        """Whether ``fill`` would look at anything in the text."""
        return _LOOKS_LIKE.search(text) is not None

    def x25519_private(self, *path: str) -> str:
        """A WireGuard private key, base64."""
        return derive.x25519_private(self._master, *path)

    def x25519_public(self, *path: str) -> str:
        """The WireGuard public key of the private one at the same path, base64."""
        return derive.x25519_public(self._master, *path)

    def preshared(self, *path: str) -> str:
        """A WireGuard pre-shared key, base64."""
        return derive.preshared(self._master, *path)

    def ed25519_private(self, *path: str, comment: str = "") -> str:
        """An ssh private key, OpenSSH PEM."""
        return derive.ed25519_private(self._master, *path, comment=comment)

    def ed25519_public(self, *path: str, comment: str = "") -> str:
        """The ssh public key of the private one at the same path: ``ssh-ed25519 AAAA... comment``."""
        return derive.ed25519_public(self._master, *path, comment=comment)

    def password(self, *path: str) -> str:
        """A password, 64 hexadecimal digits."""
        return passwords.password(self._master, *path)

    def password_sha256(self, *path: str) -> str:
        """The SHA-256 of the password at the same path, hexadecimal."""
        return passwords.password_sha256(self._master, *path)

    def _resolve(self, reference: str) -> str:
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise SecretError(
                f"{reference}: not a secret reference; it is "
                f"secret:<kind>/<path>#<{FINGERPRINT_DIGITS} hexadecimal digits>"
            )
        kind, path, fingerprint = found.group(1), tuple(found.group(2).split("/")), found.group(3)
        if kind not in _KINDS:
            raise SecretError(f"{reference}: no secret of kind {kind!r}; there are {', '.join(_KINDS)}")
        if not hmac.compare_digest(fingerprint, self._fingerprint(kind, path)):
            if kind == NAMED:
                raise SecretError(
                    f"{reference}: the fingerprint is not of this secret: its value changed since the text was "
                    "rendered, or the master secret did; run the program again"
                )
            raise SecretError(
                f"{reference}: the fingerprint is not of this master secret; the text was rendered with another "
                "one, so run the program again with the secrets file that is open now"
            )
        return self._value(kind, path)

    def _value(self, kind: str, path: tuple[str, ...]) -> str:
        return self._named("/".join(path)) if kind == NAMED else _VALUES[kind](self._master, *path)

    def _fingerprint(self, kind: str, path: tuple[str, ...]) -> str:
        value = self._value(kind, path)
        message = "\0".join((kind, *path, value)).encode()
        return hmac.new(self._fingerprint_key, message, hashlib.sha256).hexdigest()[:FINGERPRINT_DIGITS]
