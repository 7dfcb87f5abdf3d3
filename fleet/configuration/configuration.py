"""A fleet's configuration as one frozen value: what every program and command starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address

from fleet.catalogue import Catalogue
from fleet.catalogue.overlay import Overlay
from fleet.catalogue.prices import MONTH_HOURS
from fleet.catalogue.venue_sites import VenueList
from fleet.configuration.images import placeholder_images
from fleet.configuration.placeholders import placeholders
from fleet.model.addressing import mesh_address
from fleet.model.fleet import Fleet
from fleet.model.images import Images
from fleet.model.problems import Problem
from fleet.model.stack import AddressesStack, ExistingHost, Host, RegionStack, service_of


@dataclass(frozen=True)
class HostRef:
    """A host and where it belongs."""

    id: str
    """Its name in the fleet: ``nj``, ``nj-spot``."""
    region: str
    host: Host
    mesh_address: IPv4Address


@dataclass(frozen=True)
class Configuration:
    """A configuration that was checked as a whole; ``fleet.configuration.load`` makes it."""

    fleet: Fleet
    stacks: Mapping[str, RegionStack]
    """The stack of every region, by the region's name, in the order of their indexes."""
    addresses: AddressesStack
    catalogue: Catalogue
    venues: VenueList
    images: Images

    @property
    def own_rows(self) -> Overlay:
        """The rows of the fleet's own catalogue."""
        return self.venues.own

    def hosts(self) -> tuple[HostRef, ...]:
        """Every host of the fleet, opened or not, by region index, then host index."""
        return tuple(ref for region in self.stacks for ref in self.hosts_of(region))

    def hosts_of(self, region: str) -> tuple[HostRef, ...]:
        """The hosts of one region, by their index.

        Raises:
            KeyError: there is no such region.
        """
        stack = self.stacks[region]
        index = self.fleet.regions[region].index
        return tuple(
            HostRef(stack.host_id(name), region, host, mesh_address(self.fleet.mesh.cidr, index, host.index))
            for name, host in sorted(stack.hosts.items(), key=lambda item: item[1].index)
        )

    def host_ids(self) -> tuple[str, ...]:
        """The ids of ``hosts()``, in the same order."""
        return tuple(ref.id for ref in self.hosts())

    def phases(self) -> tuple[tuple[str, ...], ...]:
        """The regions by phase, the hub's first; within a phase by index."""
        by_phase: dict[int, list[str]] = {}
        for name in self.stacks:
            by_phase.setdefault(self.fleet.regions[name].phase, []).append(name)
        return tuple(tuple(by_phase[phase]) for phase in sorted(by_phase))

    def services(self) -> frozenset[str]:
        """The services that its servers are rented from, by the catalogue's names."""
        return frozenset(service_of(ref.host) for ref in self.hosts() if not isinstance(ref.host, ExistingHost))

    def monthly_usd(self, ref: HostRef) -> Decimal | None:
        """What a host costs a month by the price list, in US dollars; None where the price is not known."""
        if isinstance(ref.host, ExistingHost):
            return ref.host.monthly_price
        if ref.host.spot:
            plan = self.catalogue.plan(service_of(ref.host), ref.host.plan)
            hourly = plan.spot_hourly_usd if plan is not None and plan.price_at(ref.host.location) else None
            return None if hourly is None else hourly * MONTH_HOURS
        return self.catalogue.monthly_usd(service_of(ref.host), ref.host.plan, ref.host.location)

    def price_origin(self, ref: HostRef) -> str:
        """Where ``monthly_usd`` is from: source and day."""
        if isinstance(ref.host, ExistingHost):
            return f"Pulumi.{ref.region}.yaml"
        plan = self.catalogue.plan(service_of(ref.host), ref.host.plan)
        return "" if plan is None else f"{plan.source}, {plan.as_of}"

    def placeholders(self) -> tuple[Problem, ...]:
        """Values of the default files that must be replaced before real servers are touched."""
        return (*placeholders(self.fleet, self.stacks), *placeholder_images(self.images))
