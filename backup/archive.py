"""Reading a copy as it arrives: every file is compared with its checksum, whether it is kept or only looked at."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from backup.problem import CopyProblem

MANIFEST, CHECKSUMS = "manifest.json", "SHA256SUMS"
PARTS = ("conf", "db", ".checkpoint")
"""What a copy consists of."""

PIECE = 1 << 20

Keep = Callable[[str, Iterable[bytes]], None]
"""Takes a file's path in the copy and its content, which it must read to the end."""


def verify(stream: BinaryIO) -> dict[str, Any]:
    """Look at a whole copy; returns its manifest.

    Raises:
        CopyProblem: it is cut off or damaged; names the first file.
    """
    return _read(stream, _look)


def _look(_path: str, content: Iterable[bytes]) -> None:
    deque(content, maxlen=0)


def unpack(stream: BinaryIO, into: Path, owner: int) -> dict[str, Any]:
    """Lay a copy's files down in a folder, owned by a user and group of that number; returns its manifest.

    Only plain files below ``PARTS`` are made, whatever the archive says: who sends it may be somebody else by now.

    Raises:
        CopyProblem: as ``verify``; what lies in the folder then is not to be used.
    """

    def keep(path: str, content: Iterable[bytes]) -> None:
        file = into / path
        _folders(into, file.parent, owner)
        with file.open("wb") as opened:
            for piece in content:
                # The database makes its files longer than what is in them: these zeros take no room.
                if piece.count(0) == len(piece):
                    opened.seek(len(piece), os.SEEK_CUR)
                else:
                    opened.write(piece)
            opened.truncate()
        os.chown(file, owner, owner)

    manifest = _read(stream, keep)
    for part in PARTS:
        _folders(into, into / part, owner)
    return manifest


def _folders(top: Path, folder: Path, owner: int) -> None:
    for each in [*reversed(folder.relative_to(top).parents), folder.relative_to(top)][1:]:
        if not (top / each).is_dir():
            (top / each).mkdir()
            os.chown(top / each, owner, owner)


def _read(stream: BinaryIO, keep: Keep) -> dict[str, Any]:
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            members = iter(archive)
            manifest = json.loads(_head(archive, members, MANIFEST))
            wanted = _checksums(_head(archive, members, CHECKSUMS))
            for member in members:
                if member.isdir():
                    continue
                path = member.name.removeprefix("./")
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or not _inside(path):
                    raise CopyProblem(f"{member.name}: is not a file of a copy")
                found = hashlib.sha256()
                keep(path, _hashed(content, found))
                if wanted.pop(path, None) != found.hexdigest():
                    raise CopyProblem(f"{path}: is damaged: its checksum is another one")
    except (tarfile.TarError, EOFError, OSError, ValueError) as problem:
        raise CopyProblem(f"the copy is cut off or damaged: {problem}") from None
    if wanted:
        raise CopyProblem(f"{min(wanted)}: is missing in the copy")
    if not isinstance(manifest, dict):
        raise CopyProblem(f"{MANIFEST}: is not one")
    return manifest


def _head(archive: tarfile.TarFile, members: Iterator[tarfile.TarInfo], name: str) -> str:
    member = next(members, None)
    content = archive.extractfile(member) if member is not None and member.name == name else None
    if content is None:
        raise CopyProblem(f"{name}: is missing in the copy")
    return content.read().decode(errors="surrogateescape")


def _checksums(text: str) -> dict[str, str]:
    return {path: checksum for checksum, _, path in (line.partition("  ") for line in text.splitlines())}


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[0] in PARTS and ".." not in parts


def _hashed(content: Any, into: Any) -> Iterator[bytes]:
    while piece := content.read(PIECE):
        into.update(piece)
        yield piece
