"""Initialising a fleet on a machine: state backend, passphrase, master secret. Repeating it changes nothing.

The settings are written last: where they are, everything else was there once. So a passphrase or a master secret that
is missing then was lost or not copied here, and making another one would be no help: it is refused.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from fleet.secrets import SecretStore, Vault
from fleet.workspace import SETTINGS, Workspace
from fleet.workspace.salt import salt_line
from infra.first_boot import DEPLOY_PATH

PASSPHRASE_BYTES = 32
FILE_SCHEME = "file://"
SCHEMES = (FILE_SCHEME, "s3://", "gs://", "azblob://")
"""Backends that keep the state encrypted by our passphrase, and nobody's account."""


class InitialisationRefused(Exception):
    """Something is in the way of initialising. ``str`` says what, and what to do."""

    exit_code = 3


def initialise(
    root: Path, backend: str = "", passphrase_file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Make what is missing; yields a line for each thing, made or found.

    Args:
        root: the fleet's folder.
        backend: URL of the state; a folder of the fleet's own if empty.
        passphrase_file: where the passphrase is, or will be made; in the fleet's own folder by default.
        environment: further variables for engine runs (the lab's).

    Raises:
        InitialisationRefused: another backend or passphrase is in use, or one that this machine lacks is needed.
        SecretError: the secrets file is there but the passphrase does not open it.
        WorkspaceError: the settings or the passphrase are not readable.
    """
    known = (root / SETTINGS).exists()
    wanted = _kept(root, backend, passphrase_file) if known else _new(root, backend, passphrase_file)
    workspace = wanted if environment is None else replace(wanted, environment=dict(environment))
    (root / SETTINGS.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
    yield _state(workspace)
    yield _passphrase(workspace, known)
    store, line = _master(workspace, known)
    yield line
    if known and workspace == Workspace.open(root):
        yield f"settings: {root / SETTINGS} (kept)"
    else:
        workspace.save()
        yield f"settings: {root / SETTINGS} (written)"
    login = Vault(store.master).ed25519_public(*DEPLOY_PATH)
    yield f"login key of the fleet, for a server that stands already: {login}"


def _kept(root: Path, backend: str, passphrase_file: Path | None) -> Workspace:
    workspace = Workspace.open(root)
    if backend and backend != workspace.backend:
        raise InitialisationRefused(
            f"the state of this fleet is in {workspace.backend}, and it does not move to {backend} by itself: export "
            f"each stack, change backend in {root / SETTINGS}, import each stack (pulumi stack export and import)"
        )
    if passphrase_file and passphrase_file.absolute() != workspace.passphrase_file.absolute():
        raise InitialisationRefused(
            f"this fleet's passphrase is in {workspace.passphrase_file}; to keep it elsewhere move the file and change "
            f"passphrase_file in {root / SETTINGS}"
        )
    return workspace


def _new(root: Path, backend: str, passphrase_file: Path | None) -> Workspace:
    folder = root / SETTINGS.parent
    url = backend or f"{FILE_SCHEME}{folder / 'state'}"
    if not url.startswith(SCHEMES) or (url.startswith(FILE_SCHEME) and not url.startswith(f"{FILE_SCHEME}/")):
        raise InitialisationRefused(
            f"'{url}' is no place for the state. Allowed: file:///FOLDER for one engineer, "
            "s3://BUCKET?region=REGION for a team (also gs:// and azblob://)"
        )
    return Workspace(
        root=root,
        backend=url,
        passphrase_file=passphrase_file.absolute() if passphrase_file else folder / "passphrase",
        secrets_file=folder / "secrets.json",
        environment={},
    )


def _state(workspace: Workspace) -> str:
    if not workspace.backend.startswith(FILE_SCHEME):
        return f"state: {workspace.backend}"
    Path(workspace.backend.removeprefix(FILE_SCHEME)).mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"state: {workspace.backend} - one engineer, one machine: back it up; a team uses s3://"


def _passphrase(workspace: Workspace, known: bool) -> str:
    path = workspace.passphrase_file
    if path.exists():
        workspace.passphrase()
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            path.chmod(0o600)
            return f"passphrase: {path} (kept; others could read it: its mode was {mode:04o}, is 0600 now)"
        return f"passphrase: {path} (kept)"
    salted = sorted(file.name for file in workspace.root.glob("Pulumi.*.yaml") if salt_line(file))
    if known or salted or workspace.secrets_file.exists():
        encrypted = [*salted, *([workspace.secrets_file.name] if workspace.secrets_file.exists() else [])]
        under = f" {', '.join(encrypted)}: encrypted under it." if encrypted else ""
        raise InitialisationRefused(
            f"the passphrase of this fleet is not on this machine.{under} Get it from a colleague or a backup and put "
            f"it into {path} (mode 0600), then run fleet init again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n")
    return f"passphrase: {path} (made) - share it with the team by your password manager"


def _master(workspace: Workspace, known: bool) -> tuple[SecretStore, str]:
    path = workspace.secrets_file
    if path.exists():
        return workspace.open_secrets(), f"master secret: {path} (kept)"
    if known:
        raise InitialisationRefused(
            f"{path} is gone: it holds the master secret from which every key of this fleet is derived. "
            "Restore it from a backup or copy it from a colleague. "
            "If no copy exists: docs/runbooks tells how to go on with a new one"
        )
    store = SecretStore.create(path, workspace.passphrase())
    return store, f"master secret: {path} (made) - without it no key can be derived again: back it up"
