"""Layers of service images: what one root file system has beyond another, as a tar file.

A layer only adds and replaces. Layers are kept uncompressed: they are read on the machine that they were made on, where
unpacking costs more than reading.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError

MADE = 1735689600
"""Time of every file that has none of its own (the first second of 2025), so that equal contents are equal layers."""


@dataclass(frozen=True)
class LayerFile:
    """A file of the lab's own in an image. ``source`` is its content; None makes an empty folder."""

    path: str
    source: Path | None
    mode: int = 0o644
    owner: int = 0
    """uid and gid"""


def write_difference(whole: Path, parents: Iterable[Path], layer: Path) -> None:
    """Write what the root file system ``whole`` has beyond the layers in ``parents``, the lowest first.

    Raises:
        LabError: something of the parents is missing in it, which a layer cannot say.
    """
    below: dict[str, tuple[object, ...]] = {}
    for parent in parents:
        with tarfile.open(parent) as archive:
            below |= {entry.name: _identity(archive, entry) for entry in archive}
    with tarfile.open(whole) as archive, tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as out:
        for entry in archive:
            if below.pop(entry.name, None) != _identity(archive, entry):
                out.addfile(entry, archive.extractfile(entry) if entry.isreg() else None)
    if below:
        raise LabError(f"an image's packages removed {min(below)} of the image below; images are made by adding")


def _identity(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[object, ...]:
    content: Any = archive.extractfile(entry) if entry.isreg() else None
    digest = hashlib.file_digest(content, "sha256").hexdigest() if content else ""
    return entry.type, entry.mode, entry.uid, entry.gid, entry.linkname, int(entry.mtime), digest


def write_files(files: Iterable[LayerFile], layer: Path) -> None:
    """Write a layer of the lab's own files."""
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as out:
        for file in sorted(files, key=lambda file: file.path):
            entry = tarfile.TarInfo(f".{file.path}")
            entry.mode, entry.mtime, entry.uid, entry.gid = file.mode, MADE, file.owner, file.owner
            if file.source is None:
                entry.type = tarfile.DIRTYPE
                out.addfile(entry)
            else:
                content = file.source.read_bytes()
                entry.size = len(content)
                out.addfile(entry, io.BytesIO(content))


def facts_of(files: Iterable[LayerFile]) -> list[Mapping[str, object]]:
    """Everything that decides a layer of files, as plain values."""
    return [
        {
            "path": file.path,
            "mode": file.mode,
            "owner": file.owner,
            "content": hashlib.sha256(file.source.read_bytes()).hexdigest() if file.source else None,
        }
        for file in files
    ]
