"""A server that somebody else runs, before our firewall comes: which of its open ports would be closed.

Nobody shall find out by an outage: what is in use is declared as public or as one to be closed, or nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import resources
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from fleet.model.fleet import Fleet
from fleet.model.stack import ExistingHost
from hosts import HostError

if TYPE_CHECKING:
    from hosts import Connection


class WouldClosePorts(HostError):
    """The fleet's firewall would close ports that are in use; nothing was changed."""


@dataclass(frozen=True, order=True)
class OpenPort:
    """A port that the server offers to the outside now."""

    port: int
    protocol: str
    by: str
    """The program or container behind it."""
    address: str = field(default="", compare=False)
    """Where it listens; the wildcard is 0.0.0.0, :: or *."""

    @property
    def name(self) -> str:
        return f"{self.port}/{self.protocol}"


def declared_ports(fleet: Fleet, host: ExistingHost) -> frozenset[str]:
    """The ports that stay open to the outside once our table is there, as ``8080/tcp``."""
    public = {f"{opening.port}/{opening.protocol}" for opening in host.public_ports}
    return frozenset({*public, f"{host.ssh_port}/tcp", *(f"{fleet.mesh.port + step}/udp" for step in (0, 1))})


def settled_ports(fleet: Fleet, host: ExistingHost) -> frozenset[str]:
    """The ports whose fate the configuration decides: those that stay open and those that may be closed."""
    return declared_ports(fleet, host) | frozenset(host.closed_ports)


def offered_ports(connection: Connection, mesh: IPv4Network | None = None) -> tuple[OpenPort, ...]:
    """What the server offers to the outside now; what listens on an address in ``mesh`` is not offered there.

    Raises:
        HostError: it could not be listed.
    """
    script = (resources.files("infra") / "guest_probe.py").read_bytes()
    done = connection.run(connection.target.as_root("python3", "-"), stdin=script)
    if done.exit_status != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise HostError(f"{connection.target}: its open ports could not be listed: {' '.join(last)}")
    answer = json.loads(done.stdout)
    by_name: dict[str, OpenPort] = {}
    # A published port names its container, so it comes last and wins over Docker's own proxy.
    for entry in (*answer["listening"], *answer["published"]):
        port = OpenPort(**entry)
        if not _inside(port.address, mesh):
            by_name[port.name] = port
    return tuple(sorted(by_name.values()))


def _inside(address: str, network: IPv4Network | None) -> bool:
    try:
        return network is not None and IPv4Address(address) in network
    except ValueError:
        return False


def refuse_to_close(connection: Connection, host_id: str, settled: Collection[str]) -> None:
    """Refuse to go on where a port is in use that the configuration says nothing about.

    Raises:
        WouldClosePorts: names each of them and what to do.
        HostError: as ``offered_ports``.
    """
    if open_ports := [port for port in offered_ports(connection) if port.name not in settled]:
        listed = ", ".join(f"{port.name} ({port.by})" for port in open_ports)
        raise WouldClosePorts(
            f"{host_id}: the fleet's firewall would close ports that are in use: {listed}. Nothing was changed. List "
            f"each one in its stack file under public_ports or closed_ports; fleet adopt {host_id} shows all of it."
        )
