"""What else could be rented for a server: the same size or larger, in the same place, at any seller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt

from fleet.catalogue import Catalogue, Location, Place, Plan
from fleet.catalogue.market import Market
from fleet.catalogue.prices import PriceList
from fleet.cost.facts import amount
from fleet.cost.money import cents
from fleet.cost.pricing import IMAGE_DISK_GB
from fleet.cost.rental import rent
from fleet.cost.things import Priced, Server
from fleet.cost.usage import Usage

EARTH_RADIUS_KM = 6371.0
FLOOR_MS_PER_KM = 2 * 1.468 / 299.792
"""Round trip in fibre (refractive index 1.468): nothing is faster."""
PER_SELLER = 1
"""Alternatives that are shown of one seller: its cheapest."""


@dataclass(frozen=True)
class Alternative:
    """Another server for the same region."""

    server: str
    """The id of the server that it could stand for."""
    seller: str
    location: str
    plan: str
    size: str
    monthly_usd: Decimal | None
    """With a static address and a disk as large as the present one, where the seller bills them apart; None: not known,
    listed in another currency, or by quote."""
    difference_usd: Decimal | None
    """Against the present server with its address; None where either is not known."""
    distance_km: int
    """From the region's place; a site in the place itself is 0."""
    floor_ms: Decimal
    """What that distance adds to every round trip at the least."""
    rentable: bool
    """Whether a stack file can name it."""
    note: str


def alternatives(
    things: Iterable[Priced], places: Mapping[str, str], prices: PriceList, market: Market, usage: Usage
) -> tuple[Alternative, ...]:
    """For each rented server the cheapest fitting one of every seller, cheapest first.

    Args:
        places: region to place.
    """
    return tuple(
        row
        for thing in things
        if isinstance(thing, Server) and thing.region in places
        for row in _for_server(thing, places[thing.region], prices, market, usage)
    )


def _for_server(server: Server, place: str, prices: PriceList, market: Market, usage: Usage) -> tuple[Alternative, ...]:
    catalogue = prices.catalogue
    present = catalogue.plan(server.service, server.plan)
    if present is None:
        return ()
    now = _complete(present, server.location, present, prices, usage.of(server.region).hours)
    found: list[Alternative] = []
    for seller in market.sellers:
        offers = list(_offers(seller, place, present, catalogue, market))
        fitting = sorted(
            (
                _alternative(server, place, plan, site, present, now, prices, market, usage)
                for plan, site in offers
                if (plan.service, plan.name, site.name) != (server.service, server.plan, server.location)
            ),
            key=_cheapest_first,
        )
        found += fitting[:PER_SELLER]
        if market.sellers[seller].quote_only:
            found += _by_quote(server, place, seller, catalogue, market)
    return tuple(sorted(found, key=_cheapest_first))


def _cheapest_first(row: Alternative) -> tuple[bool, Decimal, int]:
    return (row.monthly_usd is None, row.monthly_usd or Decimal(0), row.distance_km)


def _offers(
    seller: str, place: str, present: Plan, catalogue: Catalogue, market: Market
) -> Iterator[tuple[Plan, Location]]:
    for site in _sites(seller, place, catalogue, market):
        for plan in (*catalogue.plans_of(seller), *(row for row in market.plans if row.service == seller)):
            offered = plan.locations is None or site.name in plan.locations
            if offered and _at_least(plan, present):
                yield plan, site


def _at_least(plan: Plan, present: Plan) -> bool:
    """A disk that is rented apart can have any size."""
    disk = plan.disk_gb is None or present.disk_gb is None or plan.disk_gb >= present.disk_gb * DISK_TOLERANCE
    return plan.vcpu >= present.vcpu and plan.memory_gb >= present.memory_gb and disk


DISK_TOLERANCE = 0.85
"""Sellers of the same size differ a little in its disk (160 against 180 GB for 4 vCPU and 8 GB)."""


def _sites(seller: str, place: str, catalogue: Catalogue, market: Market) -> Iterator[Location]:
    yield from catalogue.locations_for(seller, place)
    yield from (row for row in market.locations if row.service == seller and place in (row.place, *row.near))


def _alternative(
    server: Server,
    place: str,
    plan: Plan,
    site: Location,
    present: Plan,
    now: Decimal | None,
    prices: PriceList,
    market: Market,
    usage: Usage,
) -> Alternative:
    usd = _complete(plan, site.name, present, prices, usage.of(server.region).hours)
    seller = market.sellers[plan.service]
    kilometres = _distance_km(prices.catalogue.places[place], prices.catalogue.places[site.place])
    listed = getattr(plan, "list_price", "")
    notes = [seller.note, f"Listed at {listed}." if listed else ""]
    return Alternative(
        server=server.id,
        seller=seller.title,
        location=site.name,
        plan=plan.name,
        size=f"{plan.vcpu} vCPU, {plan.memory_gb.normalize():f} GB"
        + (f", {plan.disk_gb} GB disk" if plan.disk_gb else ""),
        monthly_usd=usd,
        difference_usd=None if usd is None or now is None else usd - now,
        distance_km=kilometres,
        floor_ms=Decimal(str(round(kilometres * FLOOR_MS_PER_KM, 1))),
        rentable=seller.rentable,
        note=" ".join(note for note in notes if note),
    )


def _by_quote(server: Server, place: str, seller: str, catalogue: Catalogue, market: Market) -> Iterator[Alternative]:
    for site in _sites(seller, place, catalogue, market):
        kilometres = _distance_km(catalogue.places[place], catalogue.places[site.place])
        yield Alternative(
            server.id,
            market.sellers[seller].title,
            site.name,
            "by quote",
            "",
            None,
            None,
            kilometres,
            Decimal(str(round(kilometres * FLOOR_MS_PER_KM, 1))),
            rentable=False,
            note=market.sellers[seller].note,
        )


def _complete(plan: Plan, location: str, present: Plan, prices: PriceList, hours: Decimal) -> Decimal | None:
    """A month of a server with static address and disk; None where a price of these is not known."""
    price, billing = plan.price_at(location), prices.billing.get(plan.service)
    amount = rent(price, billing, hours) if price is not None and billing is not None else None
    if amount is None:
        return None
    address = prices.charge(plan.service, "static address", location)
    usd = cents(amount.usd) + (cents(address.monthly_usd()) if address is not None else 0)
    if plan.disk_gb is not None:
        return usd
    disk = prices.charge(plan.service, "disk", location)
    return None if disk is None else usd + cents(disk.usd * (present.disk_gb or IMAGE_DISK_GB))


def _distance_km(one: Place, other: Place) -> int:
    """Great circle, by the haversine formula."""
    a, b = radians(one.latitude), radians(other.latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return round(2 * EARTH_RADIUS_KM * asin(sqrt(half)))


def alternative_facts(row: Alternative) -> dict[str, object]:
    """One row for programs."""
    return {
        **vars(row),
        "monthly_usd": amount(row.monthly_usd),
        "difference_usd": amount(row.difference_usd),
        "floor_ms": str(row.floor_ms),
    }
