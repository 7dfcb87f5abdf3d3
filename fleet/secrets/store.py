"""The secrets file: the master secret and secrets with names, under one passphrase.

scrypt (RFC 7914) makes the key, AES-256-GCM encrypts. The envelope is JSON so that a person sees what the file is; its
checksum tells a damaged file from a wrong passphrase. The file is only ever replaced as a whole, mode 0600.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fleet.secrets.derive import MASTER_BYTES
from fleet.secrets.errors import SecretError

FORMAT_VERSION = 1

_SCRYPT = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB and about 0.1 s: once per run of a program, and too dear to guess at
_SALT_BYTES = 16
_NONCE_BYTES = 12
_LARGEST_FILE = 4 * 2**20


@dataclass(frozen=True, repr=False)
class Successor:
    """The next master secret, while hosts are being prepared for it."""

    master: bytes
    epoch: int
    """Epoch of the mesh's key pairs from the switch on."""


@dataclass(frozen=True)
class Retired:
    """What is left of the master secret before this one, until nothing on any host remembers it."""

    login_key: str
    """Its public login key, which must let nobody in any more."""
    epoch: int
    """Epoch of the mesh's key pairs since the switch."""


class SecretStore:
    """An open secrets file. Each change is on disk, or refused, when the call returns."""

    __slots__ = ("_key", "_master", "_named", "_retired", "_salt", "_successor", "path")

    def __init__(
        self,
        path: Path,
        key: bytes,
        salt: bytes,
        master: bytes,
        named: dict[str, str],
        successor: Successor | None = None,
        retired: Retired | None = None,
    ) -> None:
        """For this module; callers use ``create`` and ``open``."""
        self.path = path
        self._key = key
        self._salt = salt
        self._master = master
        self._named = named
        self._successor = successor
        self._retired = retired

    def __repr__(self) -> str:
        return f"SecretStore({self.path})"

    @classmethod
    def create(cls, path: Path, passphrase: str, master: bytes | None = None) -> SecretStore:
        """Write a new secrets file; the master secret is random unless one is given (restoring a lost file).

        Raises:
            SecretError: the file exists already, the passphrase is empty, or the file cannot be written.
        """
        if not passphrase:
            raise SecretError(f"{path}: the passphrase is empty; it protects every key of the fleet")
        if master is not None and len(master) != MASTER_BYTES:
            raise SecretError(f"{path}: a master secret has {MASTER_BYTES} bytes; the given one has {len(master)}")
        salt = secrets.token_bytes(_SALT_BYTES)
        store = cls(path, _stretch(passphrase, salt), salt, master or secrets.token_bytes(MASTER_BYTES), {})
        store._write(_publish_new)
        return store

    @classmethod
    def open(cls, path: Path, passphrase: str) -> SecretStore:
        """Open a secrets file.

        Raises:
            SecretError: the file is missing, unreadable, damaged, of another format version, or under another
                passphrase.
        """
        envelope = _read_envelope(path)
        salt, nonce, data = (_decode(path, envelope, field) for field in ("salt", "nonce", "data"))
        key = _stretch(passphrase, salt)
        try:
            plain = AESGCM(key).decrypt(nonce, data, _associated(salt))
        except InvalidTag:
            raise SecretError(f"{path}: wrong passphrase") from None
        document = json.loads(plain)
        successor, retired = document.get("successor"), document.get("retired")
        return cls(
            path,
            key,
            salt,
            base64.b64decode(document["master"]),
            dict(document["named"]),
            successor and Successor(base64.b64decode(successor["master"]), successor["epoch"]),
            retired and Retired(retired["login_key"], retired["epoch"]),
        )

    @property
    def master(self) -> bytes:
        """The fleet's master secret, 32 bytes."""
        return self._master

    def names(self) -> tuple[str, ...]:
        """Names of the secrets that the file holds beside the master secret, sorted."""
        return tuple(sorted(self._named))

    def get(self, name: str) -> str:
        """The secret of that name.

        Raises:
            SecretError: there is none; names those that there are.
        """
        if name not in self._named:
            known = ", ".join(self.names()) or "none yet"
            raise SecretError(f"{self.path}: no secret named {name!r}; it holds: {known}")
        return self._named[name]

    def set(self, name: str, value: str) -> None:
        """Add or replace a named secret.

        Raises:
            SecretError: the name is empty, or the file cannot be written.
        """
        if not name:
            raise SecretError(f"{self.path}: a secret needs a name")
        self._change(self._master, {**self._named, name: value}, self._successor, self._retired)

    def remove(self, name: str) -> None:
        """Forget a named secret.

        Raises:
            SecretError: there is none of that name, or the file cannot be written.
        """
        self.get(name)
        named = {key: value for key, value in self._named.items() if key != name}
        self._change(self._master, named, self._successor, self._retired)

    @property
    def successor(self) -> Successor | None:
        """The next master secret, while an exchange is under way."""
        return self._successor

    @property
    def retired(self) -> Retired | None:
        """What hosts may still remember of the master secret before this one."""
        return self._retired

    def name_successor(self, epoch: int) -> Successor:
        """Begin an exchange of the master secret: a random next one, kept beside the present one.

        Raises:
            SecretError: an exchange is under way, or the file cannot be written.
        """
        if self._successor or self._retired:
            raise SecretError(f"{self.path}: the master secret is being exchanged already; finish that first")
        successor = Successor(secrets.token_bytes(MASTER_BYTES), epoch)
        self._change(self._master, self._named, successor)
        return successor

    def drop_successor(self) -> None:
        """Call an exchange off: the master secret stays. Harmless without one.

        Raises:
            SecretError: the file cannot be written.
        """
        self._change(self._master, self._named, None, self._retired)

    def switch(self, login_key: str) -> Retired:
        """Let the successor take over, in one write: from here on every derived key of the fleet is another one.

        Args:
            login_key: the public login key of the present master secret, to be remembered until no host knows it.

        Raises:
            SecretError: there is no successor, or the file cannot be written.
        """
        if self._successor is None:
            raise SecretError(f"{self.path}: no exchange of the master secret is under way")
        retired = Retired(login_key, self._successor.epoch)
        self._change(self._successor.master, self._named, None, retired)
        return retired

    def forget_retired(self) -> None:
        """End an exchange: no host knows the former master secret any more.

        Raises:
            SecretError: the file cannot be written.
        """
        self._change(self._master, self._named, self._successor)

    def change_passphrase(self, passphrase: str) -> None:
        """Put the file under another passphrase.

        Raises:
            SecretError: the passphrase is empty, or the file cannot be written.
        """
        if not passphrase:
            raise SecretError(f"{self.path}: the passphrase is empty; it protects every key of the fleet")
        salt = secrets.token_bytes(_SALT_BYTES)
        contents = (self._master, self._named, self._successor, self._retired)
        changed = SecretStore(self.path, _stretch(passphrase, salt), salt, *contents)
        changed._write(_publish_over)
        self._salt, self._key = changed._salt, changed._key

    def _change(
        self,
        master: bytes,
        named: dict[str, str],
        successor: Successor | None = None,
        retired: Retired | None = None,
    ) -> None:
        contents = (master, named, successor, retired)
        SecretStore(self.path, self._key, self._salt, *contents)._write(_publish_over)
        self._master, self._named, self._successor, self._retired = contents

    def _write(self, publish: Callable[[Path, Path], None]) -> None:
        document: dict[str, Any] = {"master": _text(self._master), "named": self._named}
        if self._successor:
            document["successor"] = {"master": _text(self._successor.master), "epoch": self._successor.epoch}
        if self._retired:
            document["retired"] = {"login_key": self._retired.login_key, "epoch": self._retired.epoch}
        plain = json.dumps(document, sort_keys=True).encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        envelope = {
            "what": "secrets of a fleet, encrypted",
            "format_version": FORMAT_VERSION,
            "cipher": "AES-256-GCM",
            "kdf": {"name": "scrypt", **_SCRYPT},
            "salt": _text(self._salt),
            "nonce": _text(nonce),
            "data": _text(AESGCM(self._key).encrypt(nonce, plain, _associated(self._salt))),
        }
        text = json.dumps({**envelope, "checksum": _checksum(envelope)}, indent=2) + "\n"
        try:
            _write_atomically(self.path, text, publish)
        except FileExistsError:
            raise SecretError(f"{self.path}: exists already; open it, or move it away first") from None
        except OSError as error:
            raise SecretError(f"{self.path}: cannot be written: {error.strerror}") from None


def _read_envelope(path: Path) -> dict[str, Any]:
    damaged = f"{path}: damaged, or not a secrets file; restore it from a backup"
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise SecretError(f"{path}: no such file; 'fleet init' creates it") from None
    except OSError as error:
        raise SecretError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        envelope = json.loads(raw) if len(raw) <= _LARGEST_FILE else None
    except (ValueError, RecursionError):
        raise SecretError(damaged) from None
    if not isinstance(envelope, dict) or "format_version" not in envelope:
        raise SecretError(damaged)
    version = envelope["format_version"]
    # The version first: another one may have another checksum.
    if version != FORMAT_VERSION:
        raise SecretError(f"{path}: format_version {version!r} is not known here; this program reads {FORMAT_VERSION}")
    if envelope.pop("checksum", None) != _checksum(envelope):
        raise SecretError(damaged)
    return envelope


def _decode(path: Path, envelope: dict[str, Any], field: str) -> bytes:
    try:
        return base64.b64decode(envelope[field], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise SecretError(f"{path}: damaged: {field} is missing or not base64; restore it from a backup") from None


def _write_atomically(path: Path, text: str, publish: Callable[[Path, Path], None]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp: mode 0600 from the start
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _publish_new(temporary: Path, path: Path) -> None:
    os.link(temporary, path)  # unlike a rename, fails if the name is taken


def _publish_over(temporary: Path, path: Path) -> None:
    temporary.replace(path)


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode())


def _associated(salt: bytes) -> bytes:
    """What the cipher binds to the data: a header that was tampered with does not decrypt."""
    return b"fleet/secrets/v%d/" % FORMAT_VERSION + salt


def _checksum(envelope: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(envelope, sort_keys=True).encode()).hexdigest()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
