"""Public ssh keys as the providers see them."""

from __future__ import annotations

import base64
import binascii
import hashlib

_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)


def is_public_key(text: str) -> bool:
    """True for one line of the form that ``authorized_keys`` takes."""
    parts = text.split()
    if len(parts) < 2 or parts[0] not in _TYPES or "\n" in text.strip():
        return False
    blob = _blob(parts[1])
    # The blob repeats the type, preceded by its length.
    return blob[4 : 4 + len(parts[0])] == parts[0].encode()


def md5_fingerprint(text: str) -> str:
    """The colon-separated MD5 fingerprint by which DigitalOcean and AWS name a key."""
    digest = hashlib.md5(_blob(text.split()[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def _blob(field: str) -> bytes:
    try:
        return base64.b64decode(field, validate=True)
    except binascii.Error:
        return b""
