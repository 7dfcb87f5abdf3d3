"""One immutable rendering of a bundle: a Compose project's files, the images it runs, and what must hold to keep it.

A release is named by its digest, lives in ``/opt/fleet/<bundle>/releases/<digest>/`` and is never changed there.
Whoever describes a release needs only this module; ``hosts.deploy`` brings it to a host.

What a Compose file of a release has to obey, and need not care about:

- It names the release's other files by relative path (``./server.conf:/etc/server.conf:ro``, ``env_file: service.env``,
  ``secrets: {key: {file: ./key}}``; a folder may be mounted as well), and nothing else that is relative. The deploy
  mounts them from ``/opt/fleet/<bundle>/files/<hash of what is mounted>/`` and labels each service with the hash of its
  files (``fleet.files``). So a service is made anew when its own files or its own lines in the Compose file changed,
  and left alone otherwise. No hash and no label is a renderer's work.
- Every ``image:`` is one of ``Release.images``, to the letter.
- Ports are published with their host address, since the gate compares them with ``Gate.ports`` exactly.
- The network ``fleet`` is external (``networks: {fleet: {external: true}}``); the deploy makes it when it is missing.
- A one-shot is run again by each deploy that changes something in its bundle, and at boot: it must bear that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hosts.document import OCTAL, from_document, to_document

COMPOSE_FILE = "compose.yaml"

DIGEST_CHARACTERS = 16
"""Of the SHA-256: 64 bits name the handful of releases that a host keeps."""

NETWORK = "fleet"
"""The Docker network on each host over which its bundles find each other by service name."""

WAITING = 75
"""Exit status of a check that waits for another host (EX_TEMPFAIL of sysexits.h): reported, no reason to go back."""

_BUNDLE = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class ReleaseFile:
    """A text file of a release."""

    path: str
    """relative to the release's folder"""
    content: str
    """may hold secret references; they are filled in on the way to the host and are part of the digest unfilled"""
    mode: int = field(default=0o644, metadata=OCTAL)
    uid: int = 0
    """numeric owner on the host and in the container, which has no names of the host; the group is the same number"""

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or self.path.startswith("/") or ".." in parts or str(PurePosixPath(self.path)) != self.path:
            raise ValueError(f"{self.path!r} is not a relative path without '.' and '..'")


@dataclass(frozen=True)
class PublishedPort:
    """A port that the bundle's containers publish on the host, at one address."""

    address: str
    port: int
    protocol: str = "tcp"


@dataclass(frozen=True)
class Check:
    """A command in a service's container: exit 0 is good, ``WAITING`` waits for another host, all else is red."""

    name: str
    service: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """What must hold on its own host before a release is promoted."""

    settle_seconds: float = 5.0
    """every service runs (and is healthy, where it has a health check) for so long without a restart"""
    timeout_seconds: float = 120.0
    """how long that may take to come about"""
    one_shots: tuple[str, ...] = ()
    """services that end by themselves; they must have exited with 0"""
    ports: tuple[PublishedPort, ...] = ()
    """exactly what the containers publish, no more and no less"""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Trial:
    """A service of which a second container may run for a while, with nothing of its own on disk.

    Where it runs already, a new release's is started beside it, unpublished and unknown by the service's name, and
    judged as by the gate before anything is stopped: a release that cannot run costs the one that does not a moment.
    """

    service: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """on top of the service's own, so that the second one keeps still; ``FLEET_TRIAL=true`` is always there"""


@dataclass(frozen=True)
class Release:
    """A bundle as it shall run on one host."""

    bundle: str
    files: tuple[ReleaseFile, ...]
    """one of them is ``compose.yaml``; its project name is the bundle's, prefixed with ``fleet-``"""
    images: tuple[str, ...]
    """every image of the Compose file, pinned: ``repository:tag@sha256:...``"""
    gate: Gate = Gate()
    trials: tuple[Trial, ...] = ()
    """services that are tried before what runs is stopped"""
    image_bytes: Mapping[str, int] = field(default_factory=dict)
    """free space that must be there before an image is pulled, for each of ``images`` of which it is known"""
    data_versions: Mapping[str, str] = field(default_factory=dict)
    """versions of what writes persistent data (``{"questdb": "9.3.4"}``): across a change there is no plain way back"""
    before_data_change: tuple[Check, ...] = ()
    """run in the running old containers of their services before a release with other ``data_versions`` replaces them,
    for example checkpoints; the deploy stops before it changed anything when one fails"""

    def __post_init__(self) -> None:
        if not _BUNDLE.match(self.bundle):
            raise ValueError(f"{self.bundle!r} is not a bundle name")
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths) or COMPOSE_FILE not in paths:
            raise ValueError(f"bundle {self.bundle}: each file once, and one is {COMPOSE_FILE}")
        for image in self.images:
            if not _PINNED.match(image):
                raise ValueError(f"bundle {self.bundle}: image {image!r} is not pinned by a digest")

    @property
    def digest(self) -> str:
        """The release's name: equal for equal renderings, whatever the secrets' values are."""
        text = json.dumps(self.to_document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]

    def to_document(self) -> dict[str, Any]:
        """The release as plain JSON values; ``from_document`` is the inverse."""
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Release:
        """The release that ``to_document`` described.

        Raises:
            ValueError: the document is not of this shape.
        """
        return from_document(cls, document)
