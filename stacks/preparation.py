"""What a program needs before it declares anything: the checked configuration and the opened secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from fleet.configuration import Configuration, load
from fleet.model.images import ImageNotPinned
from fleet.model.problems import ConfigurationError
from fleet.model.stack import ADDRESSES
from fleet.secrets import SecretError, Vault
from fleet.workspace import WorkspaceError, find_root
from infra.vault import open_vault
from templates.render import TemplateError
from wireguard.plan import MeshError


def prepare(stack: str) -> tuple[Configuration, Vault]:
    """What a region's stack is declared from.

    Raises:
        pulumi.RunError: the configuration is wrong, knows no such region, or the secrets cannot be opened.
    """
    configuration = load_configuration()
    if stack not in configuration.stacks:
        known = ", ".join((ADDRESSES, *configuration.stacks))
        raise pulumi.RunError(f"no region '{stack}' in fleet.yaml. Stacks of this fleet: {known}")
    with problems_as_run_errors():
        return configuration, open_vault()


def load_configuration() -> Configuration:
    """The configuration of the fleet whose program this is.

    Raises:
        pulumi.RunError: with the text of every problem in it.
    """
    with problems_as_run_errors():
        return load(find_root())


@contextmanager
def problems_as_run_errors() -> Iterator[None]:
    """Problems whose text is written for the user, in the form that the engine shows without a traceback."""
    try:
        yield
    except (ConfigurationError, SecretError, WorkspaceError, TemplateError, MeshError, ImageNotPinned) as problem:
        raise pulumi.RunError(str(problem)) from None
