"""What could be opened: the fleet's regions as they are configured, and each provider's cheapest fitting server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue.catalogue import Location, Plan
from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.declared import declared_things
from fleet.cost.pricing import price_things
from fleet.cost.things import Priced, Server, StaticAddress
from fleet.cost.usage import Usage


@dataclass(frozen=True)
class Size:
    """The least that a region's server must have."""

    vcpu: int = 4
    memory_gb: Decimal = Decimal(8)
    """What the specification wants for New Jersey, Singapore and Chicago."""

    def fits(self, plan: Plan) -> bool:
        """Whether a plan has at least that."""
        return plan.vcpu >= self.vcpu and plan.memory_gb >= self.memory_gb


REGION_SIZE = Size()


@dataclass(frozen=True)
class Offer:
    """A server with a static address, at a price."""

    name: str
    """The region's name where the fleet has it, else place and service."""
    place: str
    service: str
    plan: str
    monthly_usd: Decimal | None
    """None: not known; such an offer is shown and never taken."""
    is_hub: bool = False


def own_offers(configuration: Configuration, prices: PriceList) -> tuple[Offer, ...]:
    """The fleet's regions, priced as ``fleet cost`` prices them."""
    things = declared_things(configuration)
    return tuple(
        Offer(
            name=name,
            place=region.place,
            service=", ".join(dict.fromkeys(ref.host.provider for ref in configuration.hosts_of(name))),
            plan=", ".join(str(ref.host.plan) for ref in configuration.hosts_of(name)),
            monthly_usd=_price([thing for thing in things if thing.region == name], prices),
            is_hub=name == configuration.fleet.hub,
        )
        for name, region in configuration.fleet.regions.items()
    )


def market_offers(prices: PriceList, places: Iterable[str], services: Iterable[str], size: Size) -> tuple[Offer, ...]:
    """For each place and service the cheapest plan that fits; with no price where the price of none is known."""
    wanted = tuple(services)
    return tuple(offer for place in places for service in wanted for offer in _cheapest(prices, place, service, size))


def _cheapest(prices: PriceList, place: str, service: str, size: Size) -> Iterator[Offer]:
    found: list[Offer] = []
    for site in prices.catalogue.locations_of(service):
        if site.place == place:
            found += [
                _offer(prices, site, plan) for plan in prices.catalogue.offered(service, site.name) if size.fits(plan)
            ]
    if found:
        yield min(found, key=lambda offer: (offer.monthly_usd is None, offer.monthly_usd or Decimal(0), offer.plan))


def _offer(prices: PriceList, site: Location, plan: Plan) -> Offer:
    name = f"{site.place}@{site.service}"
    things: list[Priced] = [
        Server(name, name, site.place, site.service, site.name, plan.name),
        StaticAddress(name, name, site.place, site.service, site.name),
    ]
    return Offer(name, site.place, site.service, plan.name, _price(things, prices))


def _price(things: Iterable[Priced], prices: PriceList) -> Decimal | None:
    amounts = [line.monthly_usd for line in price_things(things, prices, Usage())]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if amounts and len(known) == len(amounts) else None
