"""What would change on a server by adopting it, above all: which open ports would be closed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.configuration import Configuration, HostRef, load
from fleet.configuration.draft import HOSTS_KEY
from fleet.model.edit import set_list
from fleet.model.stack import ExistingHost, Host
from fleet.secrets import Vault
from hosts import Change, connect, observe
from infra.first_boot import DEPLOY_PATH
from infra.guest import OpenPort, declared_ports, offered_ports
from infra.host import base_state, host_target


class NotAdoptable(Exception):
    """The host is not an existing one, or what it offers could not be read."""

    exit_code = 2


@dataclass(frozen=True)
class Survey:
    """A look at a server; nothing was changed."""

    changes: tuple[Change, ...]
    """What adopting it adds."""
    kept_open: tuple[OpenPort, ...]
    would_close: tuple[OpenPort, ...]
    """Ports in use that are not declared: the new table would close them to the outside."""

    def unsettled(self, given_up: Collection[str]) -> tuple[OpenPort, ...]:
        """The ports that would close without anybody having said so (``given_up`` holds names like 8080/tcp)."""
        return tuple(port for port in self.would_close if port.name not in given_up)


def survey(configuration: Configuration, ref: HostRef, vault: Vault) -> Survey:
    """Look at a server that is to be adopted.

    Raises:
        NotAdoptable: it is not of provider ``existing``.
        HostError: it cannot be reached with the pinned key and the fleet's login key.
    """
    if not isinstance(ref.host, ExistingHost):
        raise NotAdoptable(f"{ref.id} is rented at {ref.host.provider}: only hosts of provider 'existing' are adopted")
    target = replace(host_target(configuration.fleet, ref, vault), address=str(ref.host.address))
    with connect(target, vault.ed25519_private(*DEPLOY_PATH), deadline_seconds=20.0) as connection:
        changes = observe(connection, base_state(configuration, ref, vault)).changes
        offered = offered_ports(connection, configuration.fleet.mesh.cidr)
    declared = declared_ports(configuration.fleet, ref.host)
    kept = tuple(port for port in offered if port.name in declared)
    return Survey(changes, kept, tuple(port for port in offered if port not in kept))


def closed_ports(host: Host) -> tuple[str, ...]:
    """The ports in use that a host's stack file gives up, as ``8080/tcp``."""
    return host.closed_ports if isinstance(host, ExistingHost) else ()


def record_closed_ports(root: Path, ref: HostRef, ports: Sequence[str]) -> None:
    """Write into the host's stack file which ports may be closed: the file says it from then on, for every run.

    Raises:
        EditRefused: the file cannot be edited so.
    """
    path = root / f"Pulumi.{ref.region}.yaml"
    path.write_text(set_list(path.read_text(), ("config", HOSTS_KEY, ref.host.name, "closed_ports"), ports))
    load(root)
