"""The fleet's secrets, opened once per process: by the program for references, by the providers for values."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from fleet.secrets import Vault
from fleet.workspace import Workspace
from hosts import HostState


@cache
def open_vault() -> Vault:
    """The vault of the fleet whose programs run in this process.

    Raises:
        WorkspaceError: no fleet here, or it was never initialised.
        SecretError: the secrets file is missing, damaged or locked with another passphrase.
    """
    workspace = Workspace.find()
    return Vault(workspace.open_secrets().master)


def filled(state: HostState, vault: Vault) -> HostState:
    """The state with every secret reference resolved; files that had one are sensitive from here on.

    Raises:
        SecretError: a reference that is malformed or was made under another master secret.
    """
    files = tuple(
        replace(file, content=vault.fill(file.content), sensitive=True) if vault.has_reference(file.content) else file
        for file in state.files
    )
    return replace(state, files=files)
