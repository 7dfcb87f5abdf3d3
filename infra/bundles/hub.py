"""The bundle ``hub``: what the platform has once, in the hub."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model import ports
from fleet.model.bundles import HUB, TRADING
from fleet.secrets import Vault
from hosts.release import PublishedPort, Release
from infra.bundles import data
from infra.bundles.services import Region, service_release
from infra.mesh_ports import MeshPort

FRONTEND_PORT = 8080
"""Of an nginx that is not root."""


def hub_release(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    """API gateway, frontend, machine learning, backtesting, and the hub's own data service.

    Only the gateway is reached from other hosts, on the mesh address.

    Raises:
        ImageNotPinned: an image has no digest.
        SecretError: a credential is missing; names the command that sets it.
    """
    region = Region(configuration, ref, vault)
    gateway = PublishedPort(str(ref.mesh_address), ports.API_GATEWAY)
    neighbours = {
        "DATA_SERVICE_URL": f"http://{data.SERVICE}:{ports.DATA}",
        "BACKTESTING_SERVICE_URL": f"http://backtesting-service:{ports.BACKTESTING}",
        "ML_SERVICE_URL": f"http://ml-service:{ports.ML}",
        **_trading(configuration),
    }
    return service_release(
        HUB,
        (
            region.service("api-gateway", ports.API_GATEWAY, {"neighbours": neighbours}, (gateway,)),
            region.service("ml-service", ports.ML, {}),
            region.service("backtesting-service", ports.BACKTESTING, {}),
            region.service("backtesting-py", ports.BACKTESTING_PYTHON, {}),
            region.service("frontend", FRONTEND_PORT, {}),
            data.data_service(region),
        ),
    )


def mesh_ports() -> tuple[MeshPort, ...]:
    """What the hub opens inside the mesh for this bundle."""
    return (MeshPort(ports.API_GATEWAY),)


def _trading(configuration: Configuration) -> dict[str, str]:
    """``TRADING_SERVICE_URL`` of the hub's own trading service, where it has one: no region publishes its own."""
    own = TRADING in configuration.stacks[configuration.fleet.hub].bundles
    return {"TRADING_SERVICE_URL": f"http://trading-service:{ports.TRADING}"} if own else {}
