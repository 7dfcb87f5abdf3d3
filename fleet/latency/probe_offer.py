"""What a probe in a place costs: the cheapest server there, by the hour that it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue.catalogue import Location, Plan, Row
from fleet.catalogue.prices import MONTH_HOURS, PriceList
from fleet.cost.parts import ADDRESS, DISK, known_sum, parts, unpriced

ONE_HOUR = Decimal(1)


class NoOffer(Exception):
    """Nothing can be rented there that a probe could run on. Its text says where something can."""

    exit_code = 2


@dataclass(frozen=True)
class ProbeOffer:
    """A server for a probe."""

    place: str
    provider: str
    service: str
    """As a stack file names it: empty where the provider has one kind of server."""
    location: str
    plan: str
    image: str
    hour_usd: Decimal
    """Server, static address and disk for up to an hour, by the seller's own rule for the server."""
    month_usd: Decimal
    """The same if nobody took it away."""

    def values(self, generation: int) -> dict[str, object]:
        """What the probe's stack file says. The generation tells this probe's first key from any other's."""
        named = ("place", "provider", "service", "location", "plan", "image")
        return {**{name: getattr(self, name) for name in named}, "generation": generation}

    def rows(self, prices: PriceList) -> tuple[Row, ...]:
        """What its price is from."""
        service = self.service or self.provider
        charges = (prices.charge(service, name, self.location) for name in (ADDRESS, DISK))
        plan = prices.catalogue.plan(service, self.plan)
        return tuple(row for row in (plan, *charges) if row is not None)


def cheapest_offer(prices: PriceList, place: str, provider: str = "") -> ProbeOffer:
    """The cheapest server in a place whose price is known, at any provider or at one.

    Raises:
        NoOffer: there is none; names the places where there are.
    """
    found = [offer for offer in _offers(prices) if provider in ("", offer.provider)]
    here = [offer for offer in found if offer.place == place]
    if not here:
        where = ", ".join(sorted({offer.place for offer in found})) or "none"
        whose = f" at {provider}" if provider else ""
        raise NoOffer(f"'{place}': no server with a known price{whose} there. Places that have one: {where}")
    return min(here, key=lambda offer: (offer.hour_usd, offer.month_usd, offer.plan, offer.provider))


def _offers(prices: PriceList) -> Iterator[ProbeOffer]:
    for service in prices.catalogue.services.values():
        for site in prices.catalogue.locations_of(service.name):
            for plan in prices.catalogue.offered(service.name, site.name):
                hour, month = _usd(prices, plan, site, ONE_HOUR), _usd(prices, plan, site, Decimal(MONTH_HOURS))
                if hour is None or month is None:
                    continue
                yield ProbeOffer(
                    place=site.place,
                    provider=service.provider,
                    service="" if service.name == service.provider else service.name,
                    location=site.name,
                    plan=plan.name,
                    image=service.images[0],
                    hour_usd=hour,
                    month_usd=month,
                )


def _usd(prices: PriceList, plan: Plan, site: Location, hours: Decimal) -> Decimal | None:
    """Everything that is billed for a server that stands for some hours; None where a price of it is not known."""
    found = parts(prices, plan, site.name, hours, months=hours / MONTH_HOURS)
    return None if unpriced(found) else known_sum(found)
