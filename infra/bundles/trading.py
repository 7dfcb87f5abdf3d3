"""The bundle ``trading``: one trading service for a region's brokers, and the processes that brokers want beside it."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.bundles import TRADING
from fleet.model.ports import TRADING as TRADING_PORT
from fleet.secrets import Vault
from hosts.release import Release
from infra.bundles.services import Region, Service, service_release
from infra.bundles.venues import (
    Used,
    credentials,
    sidecar_name,
    trading_off,
    used_venues,
    venue_environments,
    venue_list,
)

SERVICE = "trading-service"


def trading_release(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    """The bundle of a region, of its brokers that are in use; a region without any trades nothing.

    Raises:
        ImageNotPinned: an image has no digest.
        SecretError: a credential is missing; names the command that sets it.
    """
    region = Region(configuration, ref, vault)
    brokers = used_venues(configuration, ref.region, "broker")
    environments = {
        "trading": {"FLEET_VENUES": venue_list(brokers)},
        **venue_environments(brokers, ref.region, vault),
    }
    trading = region.service(SERVICE, TRADING_PORT, environments, trial=trading_off(brokers))
    return service_release(TRADING, (trading, *(_sidecar(region, used) for used in brokers if used[1].sidecar)))


def _sidecar(region: Region, used: Used) -> Service:
    """A venue's own process. It has no ``/health``: healthy is what accepts a connection at its port.

    It is never tried beside the running one: that would be the account's second session.
    """
    use, venue = used
    sidecar = venue.sidecar
    assert sidecar is not None
    name = sidecar_name(use, venue)
    return Service(
        name=name,
        image=region.configuration.images.pinned(sidecar.image),
        port=sidecar.port,
        memory_mb=region.limit_mb("sidecar"),
        environments={name: dict(credentials(venue, sidecar.credentials, region.ref.region, region.vault))},
        health=("CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{sidecar.port}"),
    )
