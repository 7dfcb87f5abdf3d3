"""One provider's calls against a lab without servers, as its plugin makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud
from lab.cloud.machinery import PaperMachines
from lab.cloud.operations import Operations
from lab.cloud.registry import load_provider
from lab.cloud.store import CloudStore, Record
from lab.settings import LabHome

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW other"


class Account:
    """An account at one provider."""

    def __init__(self, home: Path, provider: str, **settings: Any) -> None:
        self.home = home
        self.said: list[str] = []
        LabHome(home).configure(servers=False)
        self._provider = load_provider(provider)
        self._tokens = {token.rpartition(":")[2].lower(): token for token in self._provider.kinds}
        cloud = Cloud(provider, CloudStore(home), PaperMachines(home), settings, self.said.append)
        self.calls = Operations(self._provider, cloud)

    def token(self, name: str) -> str:
        """A type's token by its last part, or by ``service/type`` where that is ambiguous."""
        matching = [token for token in self._provider.kinds if token.endswith(f":{name}") or f":{name}:" in token]
        assert len(matching) == 1, matching
        return matching[0]

    def problems(self, type: str, **inputs: Any) -> list[str]:
        """What the plugin refuses before it asks the cloud."""
        kind = self.calls.kind(self.token(type))
        return [f"{f.property}: {f.reason}" for f in self.calls.check(kind, self.complete(type, inputs))]

    def complete(self, type: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return self.calls.complete(self.calls.kind(self.token(type)), inputs, {}, "test")

    def create(self, type: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
        problems = self.problems(type, **inputs)
        assert not problems, problems
        return self.calls.create(self.calls.kind(self.token(type)), self.complete(type, inputs))

    def refusal(self, type: str, **inputs: Any) -> str:
        """The text with which creating fails."""
        with pytest.raises(CloudError) as refused:
            self.create(type, **inputs)
        return str(refused.value)

    def update(self, type: str, id: str, **inputs: Any) -> dict[str, Any]:
        kind = self.calls.kind(self.token(type))
        old = self.calls.read(kind, id)
        return self.calls.update(kind, id, self.complete(type, inputs), old.properties if old else {})

    def read(self, type: str, id: str) -> Record | None:
        return self.calls.read(self.calls.kind(self.token(type)), id)

    def delete(self, type: str, id: str) -> None:
        self.calls.delete(self.calls.kind(self.token(type)), id)

    def machine(self, id: str) -> dict[str, Any]:
        """What was asked of the machine below a server."""
        machines: dict[str, dict[str, Any]] = CloudStore(self.home).snapshot().document.get("paper", {})
        return machines.get(id, {})


@pytest.fixture
def account(tmp_path: Path) -> Callable[..., Account]:
    """``account("vultr", retryLimit=1)``: all accounts of one test are in one lab."""
    return lambda provider, **settings: Account(tmp_path, provider, **settings)


@pytest.fixture
def public_key() -> str:
    return PUBLIC_KEY


@pytest.fixture
def other_key() -> str:
    return OTHER_KEY
