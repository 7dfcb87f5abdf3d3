"""Ports: what the fleet itself listens on and what a host declares as public do not collide."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.draft import Draft, host_path
from fleet.model.problems import Problem
from fleet.model.stack import ExistingHost
from fleet.model.validation import at

SSH_PORT = 22
"""Of every rented host."""

SYSTEM_UDP_PORTS = {53: "DNS", 67: "DHCP server", 68: "DHCP client", 123: "NTP"}
"""UDP ports that a Debian host may use itself."""


def check_ports(draft: Draft) -> Iterator[Problem]:
    """The mesh's two ports are nobody else's, and a host's public ports are neither its own nor named twice."""
    mesh = draft.fleet.mesh if draft.fleet else None
    if mesh and draft.fleet:
        for port in (mesh.port, mesh.port + 1):
            if port in SYSTEM_UDP_PORTS:
                message = f"takes UDP {port}, which is {SYSTEM_UDP_PORTS[port]}'s"
                allowed = f"a port such that neither it nor the next one is {', '.join(map(str, SYSTEM_UDP_PORTS))}"
                yield at(draft.fleet.document, ("mesh", "port"), mesh.port, message, allowed)
    for stack, host in draft.hosts():
        ssh = host.ssh_port if isinstance(host, ExistingHost) else SSH_PORT
        taken = {("tcp", ssh): "is the host's ssh port, which is open to the operators' addresses only"}
        if mesh:
            taken |= {("udp", mesh.port + step): "is a port of the mesh, which is open already" for step in (0, 1)}
        for number, public in enumerate(host.public_ports):
            key = (public.protocol, public.port)
            if key in taken:
                value = f"{public.port}/{public.protocol}"
                yield at(stack.document, host_path(host, "public_ports", number), value, taken[key], "any other port")
            taken.setdefault(key, "stands twice")
