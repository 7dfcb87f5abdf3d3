"""Logins to registries, as ``docker login`` keeps them."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCKER_HUB = "docker.io"
DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""Under which name Docker keeps the login to its own registry."""


@dataclass(frozen=True)
class Credentials:
    """Who we are at one registry."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"


class Logins:
    """What Docker's ``config.json`` has under ``auths``. Credential helpers are programs of other people: not asked."""

    def __init__(self, document: Mapping[str, object]) -> None:
        auths = document.get("auths")
        self._auths: Mapping[str, object] = auths if isinstance(auths, Mapping) else {}
        self.has_helper = bool(document.get("credsStore") or document.get("credHelpers"))
        """Whether Docker keeps logins where this program does not look."""

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> Logins:
        """Those of whoever runs this; none where there is no readable file."""
        folder = environment.get("DOCKER_CONFIG") or Path.home() / ".docker"
        try:
            document = json.loads(Path(folder, "config.json").read_text())
        except (OSError, ValueError):
            document = {}
        return cls(document if isinstance(document, dict) else {})

    def at(self, registry: str) -> Credentials | None:
        """The login to a registry (``docker.io``, ``registry.example.com:5000``)."""
        names = (DOCKER_HUB_KEY,) if registry == DOCKER_HUB else (registry, f"https://{registry}", f"http://{registry}")
        for name in names:
            entry = self._auths.get(name)
            if isinstance(entry, Mapping) and (found := _decoded(entry.get("auth"))):
                return found
        return None


def _decoded(auth: object) -> Credentials | None:
    try:
        user, colon, password = base64.b64decode(str(auth or ""), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(user, password) if colon and user else None
