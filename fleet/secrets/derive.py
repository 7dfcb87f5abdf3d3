"""Keys derived from the master secret: the same path gives the same key for ever, another path an unrelated one.

HKDF-SHA256 (RFC 5869). The path enters the expansion with the length of each part in front, so that no two paths can
run together ("a", "bc" and "ab", "c" differ). The kind of a key is the path's first part: one path used for two kinds
still gives unrelated bytes. **Changing anything here changes every key of every fleet.**
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from binascii import b2a_base64
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleet.secrets.errors import SecretError

MASTER_BYTES = 32
"""Length of a master secret: as long as every key that comes out of it."""

KEY_BYTES = 32
"""Length of every derived key, in bytes."""

_SALT = b"fleet/derive/v1"
_PEM_COLUMNS = 70  # what ssh-keygen writes


def derive(master: bytes, *path: str) -> bytes:
    """32 bytes that belong to ``path`` under ``master``.

    Raises:
        SecretError: the master secret is not 32 bytes long, or the path is empty.
    """
    if not path:
        raise SecretError("a derived key needs a path of at least one part")
    # The expansion of RFC 5869 for a key as long as the hash: one block, whose number 1 ends the message.
    keyed_inner, keyed_outer = _hashes(master)
    inner, outer = keyed_inner.copy(), keyed_outer.copy()
    inner.update(b"".join([*map(_part, path), b"\x01"]))
    outer.update(inner.digest())
    return outer.digest()


def x25519_private(master: bytes, *path: str) -> str:
    """A WireGuard private key: clamped as ``wg genkey`` does (RFC 7748, section 5), base64."""
    key = bytearray(derive(master, "x25519", *path))
    key[0] &= 0b1111_1000
    key[31] = (key[31] & 0b0111_1111) | 0b0100_0000
    return _text(key)


def x25519_public(master: bytes, *path: str) -> str:
    """The public key of ``x25519_private`` with the same path, base64."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(x25519_private(master, *path)))
    return _text(private.public_key().public_bytes_raw())


def preshared(master: bytes, *path: str) -> str:
    """A WireGuard pre-shared key, base64."""
    return _text(derive(master, "preshared", *path))


def ed25519_private(master: bytes, *path: str, comment: str = "") -> str:
    """An ssh private key in OpenSSH's own format, unencrypted, the same text each time; ends with a newline.

    OpenSSH writes two equal random check numbers into the file; here they come from the public key, because a file that
    differs on each rendering would show as a change for ever. They guard nothing in an unencrypted key.
    """
    seed = derive(master, "ed25519", *path)
    public = _ed25519_public_bytes(seed)
    check = hashlib.sha256(public).digest()[:4]
    secret = check + check + _string(b"ssh-ed25519") + _string(public) + _string(seed + public)
    secret += _string(comment.encode())
    secret += bytes(range(1, 1 + -len(secret) % 8))
    blob = b"openssh-key-v1\0" + _string(b"none") + _string(b"none") + _string(b"")
    blob += struct.pack(">I", 1) + _string(_public_blob(public)) + _string(secret)
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _PEM_COLUMNS] for start in range(0, len(text), _PEM_COLUMNS)]
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""])


def ed25519_public(master: bytes, *path: str, comment: str = "") -> str:
    """The public key of ``ed25519_private`` with the same path, as in ``authorized_keys``; no newline."""
    blob = _public_blob(_ed25519_public_bytes(derive(master, "ed25519", *path)))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}".rstrip()


@lru_cache(maxsize=4)  # the fleet's master secret, and its successor while it is being rotated
def _hashes(master: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The inner and the outer hash of the expansion's HMAC (RFC 2104), each fed with the master's pseudorandom key.

    They are copied for each derived key: a mesh of 400 nodes has 80,000, and half of an HMAC is the hashing of its key.
    """
    if len(master) != MASTER_BYTES:
        raise SecretError(f"a master secret has {MASTER_BYTES} bytes; this one has {len(master)}")
    block = hmac.digest(_SALT, master, "sha256").ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _text(key: bytes | bytearray) -> str:
    return b2a_base64(key, newline=False).decode()


@lru_cache(maxsize=1024)  # the names of a mesh's nodes come back in each of its pairs
def _part(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def _ed25519_public_bytes(seed: bytes) -> bytes:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _public_blob(public: bytes) -> bytes:
    return _string(b"ssh-ed25519") + _string(public)


def _string(value: bytes) -> bytes:
    """A string of the ssh wire format (RFC 4251, section 5)."""
    return struct.pack(">I", len(value)) + value
