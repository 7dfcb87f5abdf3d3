"""What would change on a server by adopting it, above all: which open ports would be closed."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib import resources

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ExistingHost
from fleet.secrets import Vault
from hosts import Change, Connection, HostError, connect, observe
from infra.first_boot import DEPLOY_PATH
from infra.host import base_state, host_target


class NotAdoptable(Exception):
    """The host is not an existing one, or what it offers could not be read."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class OpenPort:
    """A port that the server offers to the outside now."""

    port: int
    protocol: str
    by: str
    """The program or container behind it."""

    @property
    def name(self) -> str:
        return f"{self.port}/{self.protocol}"


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
        offered = _offered(connection)
    declared = {(opening.port, opening.protocol) for opening in ref.host.public_ports}
    declared |= {(ref.host.ssh_port, "tcp")}
    declared |= {(configuration.fleet.mesh.port + step, "udp") for step in (0, 1)}
    kept = tuple(port for port in offered if (port.port, port.protocol) in declared)
    return Survey(changes, kept, tuple(port for port in offered if port not in kept))


def _offered(connection: Connection) -> tuple[OpenPort, ...]:
    script = (resources.files("fleet.adoption") / "probe.py").read_bytes()
    done = connection.run(connection.target.as_root("python3", "-"), stdin=script)
    if done.exit_status != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise HostError(f"{connection.target}: its open ports could not be listed: {' '.join(last)}")
    answer = json.loads(done.stdout)
    by_name: dict[str, OpenPort] = {}
    # A published port names its container, so it comes last and wins over Docker's own proxy.
    for entry in (*answer["listening"], *answer["published"]):
        port = OpenPort(**entry)
        by_name[port.name] = port
    return tuple(sorted(by_name.values()))
