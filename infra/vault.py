"""The fleet's secrets, opened once per process: by the program for references, by the providers for values."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache

from fleet.configuration import load
from fleet.secrets import SecretError, Vault
from fleet.secrets.reference import NamedSecrets
from fleet.secrets.sources import named_secrets
from fleet.workspace import Workspace
from fleet.workspace.stack_secrets import key_of, stack_of, stack_secrets
from hosts import HostState


@cache
def open_vault() -> Vault:
    """The vault of the fleet whose programs run in this process.

    Raises:
        WorkspaceError: no fleet here, or it was never initialised.
        SecretError: the secrets file is missing, damaged or locked with another passphrase.
    """
    return vault_of(Workspace.find())


def vault_of(workspace: Workspace) -> Vault:
    """The vault of a fleet, with the secrets that have names from where its ``fleet.yaml`` says.

    Raises:
        WorkspaceError, SecretError: as ``open_vault``.
    """
    store = workspace.open_secrets()

    @cache
    def source() -> NamedSecrets:
        return named_secrets(load(workspace.root).fleet.credentials, store, os.environ, _of_the_stacks(workspace))

    # Read when a name is first asked for: most runs of a provider's process ask for none.
    return Vault(store.master, lambda name: source()(name))


def _of_the_stacks(workspace: Workspace) -> NamedSecrets:
    """Secrets out of the stacks' configuration; the engine is asked once for each stack."""
    configured = cache(lambda stack: stack_secrets(workspace, stack))

    def value(name: str) -> str:
        stack = stack_of(name)
        found = configured(stack).get(key_of(name))
        if found is None:
            raise SecretError(f"no secret {name}: run: pulumi config set --secret {key_of(name)} --stack {stack}")
        return found

    return value


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
