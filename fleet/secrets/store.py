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


class SecretStore:
    """An open secrets file. Each change is on disk, or refused, when the call returns."""

    __slots__ = ("_key", "_master", "_named", "_salt", "path")

    def __init__(self, path: Path, key: bytes, salt: bytes, master: bytes, named: dict[str, str]) -> None:
        """For this module; callers use ``create`` and ``open``."""
        self.path = path
        self._key = key
        self._salt = salt
        self._master = master
        self._named = named

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
        return cls(path, key, salt, base64.b64decode(document["master"]), dict(document["named"]))

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
        self._change(self._master, {**self._named, name: value})

    def remove(self, name: str) -> None:
        """Forget a named secret.

        Raises:
            SecretError: there is none of that name, or the file cannot be written.
        """
        self.get(name)
        self._change(self._master, {key: value for key, value in self._named.items() if key != name})

    def replace_master(self, master: bytes) -> None:
        """Take another master secret: from here on every derived key of the fleet is another one.

        Raises:
            SecretError: it is not 32 bytes long, or the file cannot be written.
        """
        if len(master) != MASTER_BYTES:
            raise SecretError(f"{self.path}: a master secret has {MASTER_BYTES} bytes; the given one has {len(master)}")
        self._change(master, self._named)

    def change_passphrase(self, passphrase: str) -> None:
        """Put the file under another passphrase.

        Raises:
            SecretError: the passphrase is empty, or the file cannot be written.
        """
        if not passphrase:
            raise SecretError(f"{self.path}: the passphrase is empty; it protects every key of the fleet")
        salt = secrets.token_bytes(_SALT_BYTES)
        changed = SecretStore(self.path, _stretch(passphrase, salt), salt, self._master, self._named)
        changed._write(_publish_over)
        self._salt, self._key = changed._salt, changed._key

    def _change(self, master: bytes, named: dict[str, str]) -> None:
        SecretStore(self.path, self._key, self._salt, master, named)._write(_publish_over)
        self._master, self._named = master, named

    def _write(self, publish: Callable[[Path, Path], None]) -> None:
        plain = json.dumps({"master": _text(self._master), "named": self._named}, sort_keys=True).encode()
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
