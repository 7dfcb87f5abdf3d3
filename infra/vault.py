"""The fleet's secrets, opened once per process: by the program for references, by the providers for values."""

from __future__ import annotations

from functools import cache

from fleet.secrets import Vault
from fleet.workspace import Workspace


@cache
def open_vault() -> Vault:
    """The vault of the fleet whose programs run in this process.

    Raises:
        WorkspaceError: no fleet here, or it was never initialised.
        SecretError: the secrets file is missing, damaged or locked with another passphrase.
    """
    workspace = Workspace.find()
    return Vault(workspace.open_secrets().master)
