"""The container images that the fleet runs: what ``images.yaml`` says.

What runs is always an image by its digest: a tag means another image tomorrow, and a release that names one could
neither be compared nor rolled back to. There is no way around that, also not for development: an image with
``follow: true`` gets its digest anew from its tag by each ``fleet up``, and it is that digest which runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from fleet.model.types import Frozen

IMAGES_FILE = "images.yaml"

KEYS = (
    "questdb",
    "redis",
    "python",
    "api-gateway",
    "trading-service",
    "data-service",
    "backtesting-service",
    "backtesting-py",
    "ml-service",
    "frontend",
    "ib-gateway",
)
"""Images that the bundles need. ``python`` runs the fleet's own programs (shipper, keeper of Redis); those from
``api-gateway`` on are the platform's services, ``ib-gateway`` is a venue's own process. Others may stand beside."""

_DOMAIN = re.compile(r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|\d+\.\d+\.\d+\.\d+)(:[0-9]{1,5})?|localhost:[0-9]{1,5}")
_PART = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The grammar of distribution's ``reference`` package (docs: specification of the registry's HTTP API V2)."""


class ImageNotPinned(Exception):
    """An image is needed whose digest is not known. ``str`` names the command that finds it out."""

    exit_code = 2


def _repository(text: str) -> str:
    registry, slash, name = text.partition("/")
    if not slash or not _DOMAIN.fullmatch(registry):
        raise ValueError("does not name its registry")
    if len(name) > 255 or not all(_PART.fullmatch(part) for part in name.split("/")):
        raise ValueError("is not a repository's name (a tag or a digest has a key of its own)")
    return text


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise ValueError("is not a tag")
    return text


def _digest(text: str) -> str:
    if not _DIGEST.fullmatch(text):
        raise ValueError("is not a digest")
    return text


Repository = Annotated[
    str,
    AfterValidator(_repository),
    Field(description="registry and name in lower case, such as docker.io/library/redis or registry.example.com/a/b"),
]
Tag = Annotated[
    str,
    AfterValidator(_tag),
    Field(description="a tag in quotes, such as \"8.0\": letters, digits, '_', '.' and '-', at most 128"),
]
Digest = Annotated[
    str,
    AfterValidator(_digest),
    Field(description="sha256: and 64 hex digits; fleet images pin writes it"),
]

Size = Annotated[
    int,
    Field(strict=True, ge=1, le=100_000, description="megabytes that a host downloads; fleet images pin writes it"),
]

DISK_FACTOR = 4
"""Bytes on a host's disk for each one that is downloaded while an image is pulled: the download itself and what it
unpacks to. Layers of gzip hold two to three times their size (an estimate of ours, on the safe side)."""


def version_of(image: str) -> str:
    """The version in a pinned image's tag: of ``questdb:9.3.4-rhel@sha256:...`` the ``9.3.4``."""
    return image.partition("@")[0].rpartition(":")[2].partition("-")[0]


class Image(Frozen):
    """One image."""

    repository: Repository
    tag: Tag
    digest: Digest | None = None
    size_mb: Size | None = None
    follow: StrictBool = Field(default=False, description="true for development: each fleet up asks the tag again")

    @property
    def registry(self) -> str:
        """The host, and port where it has one, that serves it: ``docker.io``, ``registry.lab:5000``."""
        return self.repository.partition("/")[0]

    @property
    def name(self) -> str:
        """The repository's name there."""
        return self.repository.partition("/")[2]

    @property
    def tagged(self) -> str:
        """``repository:tag``, for people."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Images:
    """All of them, by key."""

    by_key: Mapping[str, Image] = field(default_factory=dict)

    def pinned(self, key: str) -> str:
        """An image as a release names it: ``repository:tag@sha256:...``.

        Raises:
            ImageNotPinned: there is no such key, or it has no digest.
        """
        image = self.by_key.get(key)
        if image is None:
            raise ImageNotPinned(
                f"{IMAGES_FILE} has no image '{key}': write its repository and tag, then run: {_how(key)}"
            )
        if image.digest is None:
            raise ImageNotPinned(
                f"{IMAGES_FILE}: {key}: {image.tagged} has no digest, and a tag is not deployed: run: {_how(key)}"
            )
        return f"{image.tagged}@{image.digest}"

    def disk_bytes(self, pinned: Iterable[str]) -> dict[str, int]:
        """Room on a host that pulling each of these images needs, bytes; an image of unknown size is not named.

        Args:
            pinned: images as ``pinned`` names them.
        """
        known = {
            f"{image.tagged}@{image.digest}": image.size_mb * 1_000_000 * DISK_FACTOR
            for image in self.by_key.values()
            if image.size_mb is not None
        }
        return {image: known[image] for image in sorted(set(pinned)) if image in known}

    def unpinned(self) -> tuple[str, ...]:
        """Keys without a digest."""
        return tuple(key for key, image in self.by_key.items() if image.digest is None)

    def following(self) -> tuple[str, ...]:
        """Keys whose digest each ``fleet up`` finds out anew."""
        return tuple(key for key, image in self.by_key.items() if image.follow)


def _how(key: str) -> str:
    return f"fleet images pin {key}"
