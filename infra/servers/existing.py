"""A server that stands already and that somebody else rents: nothing is declared at any provider."""

from __future__ import annotations

import pulumi

from fleet.model.stack import ExistingHost
from infra.servers.server import Server


def existing_server(host: ExistingHost) -> Server:
    """The server as its stack file describes it."""
    address = pulumi.Output.from_input(str(host.address))
    return Server(resource=None, address=address, egress=address)
