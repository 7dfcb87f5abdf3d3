"""The registry's storage: what docker-registry serves, written in its own layout.

Layout of the ``filesystem`` driver, as documented in distribution's ``registry/storage/paths.go`` (unchanged since
version 2.0). Everything is named by its SHA-256, so that storages of several recipes share one folder and whoever reads
is not disturbed by whoever writes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path("docker", "registry", "v2")


class Storage:
    """The storage in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def blob(self, digest: str) -> Path:
        """Where the content with this digest (``sha256:...``) is."""
        plain = digest.removeprefix("sha256:")
        return self.folder / ROOT / "blobs" / "sha256" / plain[:2] / plain / "data"

    def take(self, file: Path) -> str:
        """Move a file in as a blob; returns its digest. A blob that is there already is left alone."""
        with file.open("rb") as content:
            digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
        place = self.blob(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
        return digest

    def keep(self, content: bytes) -> str:
        """Write a small blob; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        _write(self.blob(digest), content)
        return digest

    def publish(self, name: str, tag: str, manifest: Mapping[str, object]) -> str:
        """Let a repository have an image under a tag; what the manifest names must be here. Returns its digest."""
        digest = self.keep(json.dumps(manifest, sort_keys=True).encode())
        repository = self.folder / ROOT / "repositories" / name
        revision = Path("sha256", digest.removeprefix("sha256:"), "link")
        for blob in _named(manifest):
            _write(repository / "_layers" / "sha256" / blob.removeprefix("sha256:") / "link", blob.encode())
        for link in (
            repository / "_manifests" / "revisions" / revision,
            repository / "_manifests" / "tags" / tag / "index" / revision,
            repository / "_manifests" / "tags" / tag / "current" / "link",
        ):
            _write(link, digest.encode())
        return digest


def _named(manifest: Mapping[str, object]) -> list[str]:
    """The digests of the configuration and the layers; none of an index, whose manifests were published before it."""
    document = json.loads(json.dumps(manifest))
    if "manifests" in document:
        return []
    return [document["config"]["digest"], *(layer["digest"] for layer in document["layers"])]


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a registry may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f".{path.name}.{os.getpid()}")
    candidate.write_bytes(content)
    candidate.replace(path)
