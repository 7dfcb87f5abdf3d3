"""What else could be rented for a server: the same size or larger, in the same metro, at any seller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue import Location, Plan
from fleet.catalogue.catalogue import Row
from fleet.catalogue.market import Market, MarketPlan
from fleet.catalogue.physics import distance_km
from fleet.catalogue.prices import PriceList
from fleet.catalogue.round_trips import RoundTrips
from fleet.cost.facts import amount
from fleet.cost.money import cents, text
from fleet.cost.parts import SERVER, Part, known_sum, parts, unpriced
from fleet.cost.pricing import IMAGE_DISK_GB
from fleet.cost.things import Priced, Server
from fleet.cost.usage import Usage

PER_SELLER = 1
"""Alternatives that are shown of one seller: its cheapest."""

DISK_TOLERANCE = Decimal("0.85")
"""Sellers of the same size differ a little in its disk (160 against 180 GB for 4 vCPU and 8 GB)."""


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
    """With a static address and a disk as large as the present one, where the seller bills them apart; None: a part of
    it is not known, listed in another currency, or by quote."""
    known_usd: Decimal | None
    """The parts whose price is known, where the server's own is; it costs as much at least."""
    unpriced: tuple[str, ...]
    """The parts that are in no sum."""
    difference_usd: Decimal | None
    """Against the present server with its address; None where either is not known."""
    distance_km: int
    """From the region's place; a site in the place itself is 0."""
    venues_ms: Decimal | None
    """How much longer round trips to the region's venues are, in the mean, than from the present site (expected, not
    measured; negative is nearer); None: the region serves no venue whose place is known."""
    rentable: bool
    """Whether a stack file can name it."""
    note: str
    origin: Row
    """What is known of its size and price."""


@dataclass(frozen=True)
class _Present:
    """The server that others are compared with."""

    server: Server
    plan: Plan
    monthly_usd: Decimal | None
    place: str
    """Of its region."""
    site: str
    """The place that it stands in itself."""
    venues: Sequence[str]
    """Places."""
    trips: RoundTrips


def alternatives(
    things: Iterable[Priced],
    places: Mapping[str, str],
    venues: Mapping[str, Sequence[str]],
    prices: PriceList,
    market: Market,
    usage: Usage,
    trips: RoundTrips,
) -> tuple[Alternative, ...]:
    """For each rented server the cheapest fitting one of every seller, cheapest first.

    Args:
        places: region to place.
        venues: region to the places of the venues that it serves.
        trips: by which those are near or far.
    """
    found: list[Alternative] = []
    for thing in things:
        if not isinstance(thing, Server) or thing.region not in places:
            continue
        plan = prices.catalogue.plan(thing.service, thing.plan)
        if plan is None:
            continue
        hours = usage.of(thing.region).hours
        place = places[thing.region]
        sites = {site.name: site.place for site in prices.catalogue.locations_of(thing.service)}
        present = _Present(
            thing,
            plan,
            _whole(_parts(plan, thing.location, plan, prices, hours)),
            place,
            sites.get(thing.location, place),
            tuple(venues.get(thing.region, ())),
            trips,
        )
        found += _of_every_seller(present, prices, market, hours)
    return tuple(found)


def _of_every_seller(present: _Present, prices: PriceList, market: Market, hours: Decimal) -> list[Alternative]:
    found: list[Alternative] = []
    for name, seller in market.sellers.items():
        sites = tuple(_sites(name, present.place, prices, market))
        offers = (
            _priced(present, plan, site, prices, market, hours)
            for plan, site in _fitting(name, sites, present, prices, market)
        )
        found += sorted(offers, key=_cheapest_first)[:PER_SELLER]
        if seller.quote_only:
            found += (_by_quote(present, site, prices, market) for site in sites)
    return sorted(found, key=_cheapest_first)


def _cheapest_first(row: Alternative) -> tuple[bool, bool, Decimal, int]:
    """What is not known as a whole comes after all that is, however little the known parts are."""
    return (row.monthly_usd is None, row.known_usd is None, row.known_usd or Decimal(0), row.distance_km)


def _sites(seller: str, place: str, prices: PriceList, market: Market) -> Iterator[Location]:
    yield from prices.catalogue.locations_for(seller, place)
    yield from (row for row in market.locations if row.service == seller and place in (row.place, *row.near))


def _fitting(
    seller: str, sites: Sequence[Location], present: _Present, prices: PriceList, market: Market
) -> Iterator[tuple[Plan, Location]]:
    """Plans that are as large, where they are offered; without the present one itself."""
    own = (present.server.service, present.server.plan, present.server.location)
    plans = (*prices.catalogue.plans_of(seller), *(row for row in market.plans if row.service == seller))
    for site in sites:
        for plan in plans:
            offered = plan.locations is None or site.name in plan.locations
            if offered and _at_least(plan, present.plan) and (plan.service, plan.name, site.name) != own:
                yield plan, site


def _at_least(plan: Plan, present: Plan) -> bool:
    """A disk that is rented apart can have any size."""
    disk = plan.disk_gb is None or present.disk_gb is None or plan.disk_gb >= present.disk_gb * DISK_TOLERANCE
    return plan.vcpu >= present.vcpu and plan.memory_gb >= present.memory_gb and disk


def _priced(
    present: _Present, plan: Plan, site: Location, prices: PriceList, market: Market, hours: Decimal
) -> Alternative:
    found = _parts(plan, site.name, present.plan, prices, hours)
    usd, missing = _whole(found), unpriced(found)
    seller = market.sellers[plan.service]
    listed = plan.list_price if isinstance(plan, MarketPlan) else ""
    notes = (
        f"UNPRICED: {', '.join(_as_listed(plan.service, part, market) for part in missing)}." if missing else "",
        f"Listed at {listed}." if listed else "",
        "The price is not settled." if plan.confidence == "unverified" and SERVER not in missing else "",
        seller.note,
    )
    size = (
        f"{plan.vcpu} vCPU",
        f"{plan.memory_gb.normalize():f} GB",
        f"{plan.disk_gb} GB disk" if plan.disk_gb else "",
    )
    return Alternative(
        server=present.server.id,
        seller=seller.title,
        location=site.name,
        plan=plan.name,
        size=", ".join(part for part in size if part),
        monthly_usd=usd,
        known_usd=None if SERVER in missing else known_sum(found),
        unpriced=missing,
        difference_usd=None if usd is None or present.monthly_usd is None else usd - present.monthly_usd,
        distance_km=_kilometres(prices, present.place, site.place),
        venues_ms=_longer_ms(present, site.place),
        rentable=seller.rentable,
        note=" ".join(note for note in notes if note),
        origin=plan,
    )


def _by_quote(present: _Present, site: Location, prices: PriceList, market: Market) -> Alternative:
    seller = market.sellers[site.service]
    return Alternative(
        server=present.server.id,
        seller=seller.title,
        location=site.name,
        plan="by quote",
        size="",
        monthly_usd=None,
        known_usd=None,
        unpriced=(SERVER,),
        difference_usd=None,
        distance_km=_kilometres(prices, present.place, site.place),
        venues_ms=_longer_ms(present, site.place),
        rentable=seller.rentable,
        note=seller.note,
        origin=seller,
    )


def _parts(plan: Plan, location: str, present: Plan, prices: PriceList, hours: Decimal) -> tuple[Part, ...]:
    """A month of a server with everything billed with it, each to the cent as ``fleet cost`` has it."""
    found = parts(prices, plan, location, hours, disk_gb=present.disk_gb or IMAGE_DISK_GB)
    return tuple(Part(part.name, None if part.usd is None else cents(part.usd)) for part in found)


def _whole(found: Sequence[Part]) -> Decimal | None:
    return None if unpriced(found) else known_sum(found)


def _as_listed(service: str, part: str, market: Market) -> str:
    listed = market.listed(service, part)
    return f"{part} (listed at {listed})" if listed else part


def _kilometres(prices: PriceList, one: str, other: str) -> int:
    places = prices.catalogue.places
    return round(distance_km(places[one], places[other]))


def _longer_ms(present: _Present, there: str) -> Decimal | None:
    """Mean of the differences of expected round trips, in ms to the tenth."""
    if not present.venues:
        return None
    between = present.trips.between
    differences = [between(there, venue).ms - between(present.site, venue).ms for venue in present.venues]
    return Decimal(str(round(sum(differences) / len(differences), 1)))


def alternative_facts(row: Alternative) -> dict[str, object]:
    """One row for programs."""
    return {
        **{name: value for name, value in vars(row).items() if name != "origin"},
        "monthly_usd": amount(row.monthly_usd),
        "known_usd": amount(row.known_usd),
        "difference_usd": amount(row.difference_usd),
        "venues_ms": None if row.venues_ms is None else str(row.venues_ms),
        "origin": {
            "source": row.origin.source,
            "as_of": row.origin.as_of.isoformat(),
            "confidence": row.origin.confidence,
        },
    }


def alternative_amount(row: Alternative) -> str:
    """For people: ``43.00``; ``41.99 + ?`` where only a part is known."""
    partly = row.monthly_usd is None and row.known_usd is not None
    return f"{text(row.known_usd)} + ?" if partly else text(row.monthly_usd)


def unpriced_sentence(rows: Sequence[Alternative]) -> str:
    """How many of them have a part without a known price; empty for none."""
    found = [row for row in rows if row.unpriced]
    if not found:
        return ""
    names = ", ".join(dict.fromkeys(f"{row.seller} ({', '.join(row.unpriced)})" for row in found))
    return f"UNPRICED in part or as a whole: {len(found)}, ranked after those whose whole price is known: {names}"
