"""The bundle ``data``: the data service of a region with its providers and feeds."""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.bundles import DATA
from fleet.model.ports import DATA as DATA_PORT
from fleet.secrets import Vault
from hosts.release import Release
from infra.bundles.services import Region, Service, service_release
from infra.bundles.venues import Used, sidecar_name, used_venues, venue_environments, venue_list

SERVICE = "data-service"


def data_release(configuration: Configuration, ref: HostRef, vault: Vault) -> Release:
    """The bundle of a region.

    Raises:
        ImageNotPinned: an image has no digest.
        SecretError: a credential is missing; names the command that sets it.
    """
    return service_release(DATA, (data_service(Region(configuration, ref, vault)),))


def data_service(region: Region) -> Service:
    """The data service, which the hub's bundle has as well.

    What it reads through a broker comes by that broker's process in the bundle ``trading``: it holds no credential of
    a broker.
    """
    sources = used_venues(region.configuration, region.ref.region, "data", "feed")
    environments = {
        "data": {"FLEET_VENUES": venue_list(sources), **_gateways(region.configuration, sources)},
        **{
            name: values
            for name, values in venue_environments(sources, region.ref.region, region.vault).items()
            if values
        },
    }
    return region.service(SERVICE, DATA_PORT, environments)


def _gateways(configuration: Configuration, sources: tuple[Used, ...]) -> dict[str, str]:
    """Where the processes are that feeds are read through."""
    found = {}
    for use, feed in sources:
        broker = configuration.venues.by_name[feed.via] if feed.via else None
        if broker is not None and broker.sidecar is not None:
            found[broker.sidecar.address_variable] = f"{sidecar_name(use, broker)}:{broker.sidecar.port}"
    return found
