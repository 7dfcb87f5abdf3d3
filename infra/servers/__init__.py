"""Servers of every provider behind one small interface: ``declare(request) -> Server``."""

from __future__ import annotations

from fleet.model.stack import DigitalOceanHost, Ec2Host, ExistingHost, LightsailHost, VultrHost
from infra.servers.server import Server, ServerRequest


def declare(request: ServerRequest) -> Server:
    """Declare the server of one host at its provider.

    Each provider's SDK is imported only where a host uses it: importing them all costs a preview over half a second.
    """
    match request.host:
        case VultrHost() as host:
            from infra.servers.vultr import VultrServer

            return VultrServer(request, host).server
        case DigitalOceanHost() as host:
            from infra.servers.digitalocean import DigitalOceanServer

            return DigitalOceanServer(request, host).server
        case LightsailHost() as host:
            from infra.servers.lightsail import LightsailServer

            return LightsailServer(request, host).server
        case Ec2Host() as host:
            from infra.servers.ec2 import Ec2Server

            return Ec2Server(request, host).server
        case ExistingHost() as host:
            from infra.servers.existing import existing_server

            return existing_server(host)
