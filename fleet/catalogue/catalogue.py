"""What can be rented where: the rows of the catalogue as types, and the questions that are asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from fleet.model.types import Frozen

Confidence = Literal["documentation", "third-party", "unverified"]
"""Where a row's facts come from: the provider's own pages or API; somebody who quotes them; not settled."""


Usd = Annotated[Decimal, Field(ge=0, description='an amount in US dollars in quotes, such as "48.00"')]


class Row(Frozen):
    """A fact with its origin."""

    source: str
    as_of: date
    confidence: Confidence = "documentation"


class Place(Row):
    """A city or metropolitan area."""

    name: str
    title: str
    latitude: float = Field(ge=-90, le=90)
    """Degrees north."""
    longitude: float = Field(ge=-180, le=180)
    """Degrees east."""


class Service(Row):
    """What a provider rents servers under: each provider is one service, AWS is two."""

    name: str
    provider: str
    images: tuple[str, ...]
    """Images that a stack file may ask for, the best first."""
    spot: bool = False
    private_ranges: tuple[IPv4Network, ...] = ()
    """Networks in which its servers get private addresses whether asked or not."""


class Location(Row):
    """A site of a service."""

    service: str
    name: str
    """The provider's own name for it."""
    place: str
    near: tuple[str, ...] = ()
    """Other places that it may stand for, where the service has no site of its own there."""


class LocationPrice(Frozen):
    """What a size costs at a location that has a price of its own."""

    hourly_usd: Usd | None = None
    monthly_usd: Usd | None = None


class Plan(Row):
    """A size of server."""

    service: str
    name: str
    vcpu: int = Field(ge=1, description="a whole number from 1")
    memory_gb: Decimal = Field(gt=0, description="GB, a number")
    disk_gb: int | None
    """None: the disk is rented apart from the server."""
    transfer_tb: Decimal | None
    """Outgoing traffic a month that the price includes; None: none to speak of, or not settled."""
    hourly_usd: Usd | None = None
    monthly_usd: Usd | None = None
    """The ceiling of a month's bill; for a service that has none, 730 hours. None: the price is not known."""
    price_locations: tuple[str, ...] | None = None
    """Locations for which the price is known to hold; None: all."""
    location_prices: Mapping[str, LocationPrice] = {}
    """Locations with a price of their own."""
    spot_hourly_usd: Usd | None = None
    """One reading of the spot market, where the service has one; None: not known."""
    locations: tuple[str, ...] | None = None
    """Locations that offer it; None: all of the service's."""

    def price_at(self, location: str) -> LocationPrice | None:
        """What it costs at a location; None where that is not known (never zero)."""
        if (own := self.location_prices.get(location)) is not None:
            return own
        if self.price_locations is not None and location not in self.price_locations:
            return None
        return LocationPrice.model_construct(hourly_usd=self.hourly_usd, monthly_usd=self.monthly_usd)


class Catalogue(Frozen):
    """All rows."""

    places: Mapping[str, Place]
    services: Mapping[str, Service]
    locations: tuple[Location, ...]
    plans: tuple[Plan, ...]

    @cached_property
    def _plans_of(self) -> Mapping[str, Mapping[str, Plan]]:
        by_service: dict[str, dict[str, Plan]] = {}
        for plan in self.plans:
            by_service.setdefault(plan.service, {})[plan.name] = plan
        return by_service

    def locations_of(self, service: str) -> tuple[Location, ...]:
        """Every site of a service."""
        return tuple(location for location in self.locations if location.service == service)

    def locations_for(self, service: str, place: str) -> tuple[Location, ...]:
        """The sites of a service that may serve a place: those in it first, then those near it."""
        inside = [row for row in self.locations_of(service) if row.place == place]
        near = [row for row in self.locations_of(service) if place in row.near]
        return (*inside, *near)

    def services_for(self, place: str) -> tuple[str, ...]:
        """The services that have a site for a place."""
        return tuple(name for name in self.services if self.locations_for(name, place))

    def plans_of(self, service: str) -> tuple[Plan, ...]:
        """Every size of a service."""
        return tuple(self._plans_of.get(service, {}).values())

    def plan(self, service: str, name: str) -> Plan | None:
        """A size by the provider's name for it."""
        return self._plans_of.get(service, {}).get(name)

    def offered(self, service: str, location: str) -> tuple[Plan, ...]:
        """The sizes that a location offers."""
        return tuple(row for row in self.plans_of(service) if row.locations is None or location in row.locations)

    def monthly_usd(self, service: str, plan: str, location: str) -> Decimal | None:
        """What a size costs a month at a location, in US dollars; None where the price is not known (never zero)."""
        row = self.plan(service, plan)
        price = row.price_at(location) if row is not None else None
        return price.monthly_usd if price is not None else None
