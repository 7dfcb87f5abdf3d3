"""What most commands start from: the fleet's folder, its checked configuration, its workspace and secrets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleet.configuration import Configuration, HostRef
    from fleet.operation.hosts_of import RunningHost
    from fleet.secrets import Vault
    from fleet.workspace import Workspace

Root = Annotated[
    Path | None, typer.Option("--root", help="The fleet's folder; default: the nearest one with a fleet.yaml.")
]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@dataclass(frozen=True)
class Context:
    """Opened step by step, each part once, when it is asked for."""

    given: Path | None

    @cached_property
    def root(self) -> Path:
        from fleet.workspace import find_root

        return find_root(self.given)

    @cached_property
    def configuration(self) -> Configuration:
        from fleet.configuration import load

        return load(self.root)

    @cached_property
    def workspace(self) -> Workspace:
        from fleet.workspace import Workspace

        return Workspace.open(self.root)

    @cached_property
    def vault(self) -> Vault:
        from infra.vault import vault_of

        return vault_of(self.workspace)

    @cached_property
    def hosts(self) -> tuple[RunningHost, ...]:
        from fleet.operation.hosts_of import running_hosts

        return running_hosts(self.configuration, self.workspace, self.vault)

    def bundles(self, ref: HostRef) -> tuple[str, ...]:
        """The names of the bundles that run on a host."""
        from infra.bundles.host_bundles import bundles_of

        return bundles_of(self.configuration, ref)

    def host(self, name: str) -> RunningHost:
        """A running host by its id.

        Raises:
            typer.BadParameter: no such host runs; names the ones that do.
        """
        found = next((host for host in self.hosts if host.ref.id == name), None)
        if found is None:
            standing = ", ".join(host.ref.id for host in self.hosts) or "none"
            raise typer.BadParameter(f"no host '{name}' stands. Standing: {standing}")
        return found
