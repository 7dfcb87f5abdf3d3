"""A venue's mode in a stack file, and what the fleet's files would mean with it: nothing wrong is ever written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet.catalogue.overlay import FOLDER
from fleet.configuration import Configuration, load
from fleet.configuration.draft import FLEET_FILE, VENUES_KEY, stack_file
from fleet.model.document import parse_document
from fleet.model.edit import remove_key, set_scalar
from fleet.model.images import IMAGES_FILE
from fleet.model.venue import DEFAULT_ACCOUNT, Mode


def with_mode(text: str, venue: str, account: str, mode: Mode | None) -> str:
    """A stack file's text with the mode of a venue's account; without the account where there is none.

    Raises:
        EditRefused: it is not of a form that can be edited.
    """
    written = _written(text, venue)
    if mode is None:
        return _without(text, written, venue, account)
    path = ("config", VENUES_KEY, venue)
    plain = written is None or isinstance(written, str)
    return set_scalar(text, path if plain and account == DEFAULT_ACCOUNT else (*path, account), mode)


def write_mode(root: Path, region: str, venue: str, account: str, mode: Mode | None) -> None:
    """Let a region's stack file say the mode. Whoever reads it, or kills this, finds the old file or the new one.

    Raises:
        EditRefused: the file is not of a form that can be edited.
        ConfigurationError: the files would be wrong with it; they stay as they were.
    """
    path = root / stack_file(region)
    before = path.read_text()
    text = with_mode(before, venue, account, mode)
    if text == before:
        return
    loaded_with(root, {path.name: text})
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=root)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(path, name)
    Path(name).replace(path)


def loaded_with(root: Path, texts: Mapping[str, str]) -> Configuration:
    """What the fleet's folder would mean if some of its files had these texts.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-venue-") as folder:
        copy = Path(folder)
        for path in (root / FLEET_FILE, root / IMAGES_FILE, *root.glob(stack_file("*"))):
            if path.exists():
                shutil.copyfile(path, copy / path.name)
        if (root / FOLDER).is_dir():
            shutil.copytree(root / FOLDER, copy / FOLDER)
        for name, text in texts.items():
            (copy / name).write_text(text)
        return load(copy)


def _written(text: str, venue: str) -> object:
    document, _ = parse_document("the text", text)
    config = document.values.get("config") if document else None
    return (config.get(VENUES_KEY) or {}).get(venue) if isinstance(config, dict) else None


def _without(text: str, written: object, venue: str, account: str) -> str:
    """An empty mapping of accounts is none: with its last account the venue goes."""
    accounts = written if isinstance(written, dict) else {} if written is None else {DEFAULT_ACCOUNT: written}
    if account not in accounts:
        return text
    path = ("config", VENUES_KEY, venue)
    return remove_key(text, path if len(accounts) == 1 else (*path, account))
