"""Initialising a fleet on a machine: state backend, passphrase, master secret. Repeating it changes nothing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet.secrets import SecretStore, Vault
from fleet.workspace import SETTINGS, Workspace
from infra.first_boot import DEPLOY_PATH

PASSPHRASE_BYTES = 32


def initialise(
    root: Path, backend: str = "", passphrase_file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Make what is missing; yields a line for each thing, made or found.

    Raises:
        SecretError: the secrets file is there but the passphrase does not open it.
        WorkspaceError: the settings or the passphrase are not readable.
    """
    if (root / SETTINGS).exists():
        workspace = Workspace.open(root)
        yield f"settings: {root / SETTINGS} (kept)"
    else:
        folder = root / SETTINGS.parent
        state = folder / "state"
        workspace = Workspace(
            root=root,
            backend=backend or f"file://{state}",
            passphrase_file=passphrase_file or folder / "passphrase",
            secrets_file=folder / "secrets.json",
            environment=environment or {},
        )
        folder.mkdir(mode=0o700, exist_ok=True)
        if not backend:
            state.mkdir(mode=0o700, exist_ok=True)
        workspace.save()
        yield f"settings: {root / SETTINGS} (made)"
    if workspace.backend.startswith("file://"):
        yield f"state: {workspace.backend} - one engineer, one machine: back it up; a team uses s3://"
    else:
        yield f"state: {workspace.backend}"
    yield _passphrase(workspace)
    if workspace.secrets_file.exists():
        store = workspace.open_secrets()
        yield f"master secret: {workspace.secrets_file} (kept)"
    else:
        store = SecretStore.create(workspace.secrets_file, workspace.passphrase())
        yield f"master secret: {workspace.secrets_file} (made) - without it no key can be derived again: back it up"
    yield f"login key of the fleet, for a server that stands already: {Vault(store.master).ed25519_public(*DEPLOY_PATH)}"


def _passphrase(workspace: Workspace) -> str:
    path = workspace.passphrase_file
    if path.exists():
        workspace.passphrase()
        return f"passphrase: {path} (kept)"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n")
    return f"passphrase: {path} (made) - share it with the team by your password manager"
