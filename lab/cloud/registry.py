"""The providers that the lab has, loaded by name: a plugin needs one of them only."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from lab.cloud.kind import Cloud, Provider
from lab.cloud.machinery import machinery
from lab.cloud.operations import Operations
from lab.cloud.store import CloudStore

NAMES = ("vultr", "digitalocean", "aws")


def load_provider(name: str) -> Provider:
    """The provider of this name.

    Raises:
        ValueError: the lab has no such provider; names those it has.
    """
    if name not in NAMES:
        raise ValueError(f"the lab has no provider '{name}'. It has: {', '.join(NAMES)}")
    provider: Provider = import_module(f"lab.cloud.{name}.provider").PROVIDER
    return provider


def operations(home: Path, provider: str) -> Operations:
    """The calls of one provider, as its web console would make them: with the lab's machines, without an engine."""
    return Operations(load_provider(provider), Cloud(provider, CloudStore(home), machinery(home)))
