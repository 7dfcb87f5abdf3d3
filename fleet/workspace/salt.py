"""The salt in a stack's file: from it and the passphrase the engine derives the key of the stack's secrets."""

from __future__ import annotations

from pathlib import Path

from fleet.configuration.draft import stack_file
from fleet.model.stack import ADDRESSES

KEY = "encryptionsalt:"
"""The engine writes it when it makes a stack, and takes the one that is there."""
OTHER_KEY = "secretsprovider:"
"""Of a stack whose key comes from somewhere else, such as a cloud's key service."""


def salt_line(file: Path) -> str:
    """The line with the salt in a stack's file; empty where there is none."""
    if not file.exists():
        return ""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith(KEY))


def share_salt(root: Path, stack: str) -> None:
    """Give a stack that has no salt the one of the addresses.

    All stacks of a fleet have one passphrase. Every run of a region reads the addresses, and a key takes the engine a
    sixth of a second: with one salt it derives one key instead of two.
    """
    file = root / stack_file(stack)
    shared = salt_line(root / stack_file(ADDRESSES))
    if not shared or not file.exists():
        return
    text = file.read_text(encoding="utf-8")
    if any(line.startswith((KEY, OTHER_KEY)) for line in text.splitlines()):
        return
    file.write_text(text + "\n" * (not text.endswith("\n")) + shared, encoding="utf-8")
