"""What the rows of a fleet's own catalogue name is there: services, places, sites of services, venues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleet.catalogue.catalogue import Catalogue, Location, Place, Plan, Row, Service
from fleet.catalogue.claims import ExpectedClaim
from fleet.catalogue.market import MarketPlan, Seller, SpecificationCost
from fleet.catalogue.overlay import OwnRow
from fleet.catalogue.physics import floor_ms
from fleet.catalogue.prices import Charge, Transfer
from fleet.catalogue.reading import rows
from fleet.catalogue.round_trips import Detour, MeasuredPlace
from fleet.catalogue.venue_sites import CountryRow, SiteRow
from fleet.catalogue.venues import Venue
from fleet.model.document import KeyPath
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at

OTHER_SERVICES = ("route53",)
"""Services that bill, but rent no servers."""

RENTED_FROM = ("plans", "locations")
"""Tables of services that this project can rent from; all other tables with a service are of any seller."""


@dataclass(frozen=True)
class _Known:
    """The names that rows may use: this package's, and those of the fleet's own rows, well-formed or not."""

    services: tuple[str, ...]
    sellers: tuple[str, ...]
    places: Mapping[str, Place]
    place_names: tuple[str, ...]
    with_country: frozenset[str]
    sites: Mapping[str, tuple[str, ...]]
    """Service or seller to the names of its locations."""
    venues: tuple[str, ...]
    venue_sites: tuple[str, ...]
    """Venues, and sites of those that have several, with a slash."""


def references(
    written: Sequence[OwnRow], read: Sequence[tuple[OwnRow, Row]], catalogue: Catalogue
) -> Iterator[Problem]:
    """Everything that is named and not there.

    Args:
        written: every row of the fleet's own.
        read: those of them that are well-formed.
    """
    known = _known(written, read, catalogue)
    for own in written:
        yield from _service(own, known)
    for own, row in read:
        yield from _of(own, row, known, catalogue)


def _known(written: Sequence[OwnRow], read: Sequence[tuple[OwnRow, Row]], catalogue: Catalogue) -> _Known:
    def names(table: str, *keys: str) -> list[tuple[str, ...]]:
        both = (*rows(table), *(own.values for own in written if own.path[0] == table))
        return [tuple(str(row.get(key, "")) for key in keys) for row in both]

    countries = [row for _, row in read if isinstance(row, CountryRow)]
    sites: dict[str, list[str]] = {}
    for service, name in (*names("locations", "service", "name"), *names("market_locations", "service", "name")):
        sites.setdefault(service, []).append(name)
    venue_sites = names("venue_sites", "venue", "site")
    return _Known(
        services=tuple(catalogue.services),
        sellers=tuple(dict.fromkeys(name for (name,) in names("sellers", "name"))),
        places={**catalogue.places, **{row.name: row for _, row in read if isinstance(row, Place)}},
        place_names=tuple(dict.fromkeys(name for (name,) in names("places", "name"))),
        with_country=frozenset(
            place
            for listed in (*(row["places"] for row in rows("countries")), *(row.places for row in countries))
            for place in listed
        ),
        sites={service: tuple(dict.fromkeys(found)) for service, found in sites.items()},
        venues=tuple(dict.fromkeys(name for (name,) in names("venues", "name"))),
        venue_sites=tuple(dict.fromkeys(f"{venue}/{site}" if site else venue for venue, site in venue_sites)),
    )


def _service(own: OwnRow, known: _Known) -> Iterator[Problem]:
    service = own.values.get("service")
    if isinstance(service, str):
        if own.path[0] in RENTED_FROM:
            yield from _unknown(own, ("service",), service, known.services, "is not a service")
        else:
            allowed = dict.fromkeys((*known.services, *OTHER_SERVICES, *known.sellers))
            yield from _unknown(own, ("service",), service, tuple(allowed), "is not a service or a seller")


def _of(own: OwnRow, row: Row, known: _Known, catalogue: Catalogue) -> Iterator[Problem]:
    match row:
        case Place() if row.name not in known.with_country:
            message = "has no country, by which venues refuse addresses"
            allowed = f"a row of countries as well: {{country: MX, places: [{row.name}], ...}}"
            yield at(own.document, own.path, row.name, message, allowed)
        case CountryRow():
            for number, name in enumerate(row.places):
                yield from _place(own, ("places", number), name, known)
        case MeasuredPlace():
            yield from _place(own, ("place",), row.place, known)
            yield from _round_trips(own, row, known)
        case Detour():
            yield from _place(own, ("place",), row.place, known)
            yield from _place(own, ("via",), row.via, known)
        case Service():
            yield from _unknown(own, ("name",), row.name, known.services, "is not a service of this project")
            providers = tuple(dict.fromkeys(service.provider for service in catalogue.services.values()))
            yield from _unknown(own, ("provider",), row.provider, providers, "is not a provider of this project")
        case Location():
            yield from _place(own, ("place",), row.place, known)
            for number, name in enumerate(row.near):
                yield from _place(own, ("near", number), name, known)
        case Plan() | MarketPlan():
            for key in ("locations", "price_locations", "location_prices"):
                yield from _sites(own, key, row.service, getattr(row, key) or (), known)
        case Transfer() | Charge():
            yield from _sites(own, "locations", row.service, row.locations or (), known)
        case Seller() if row.rentable:
            message = "cannot be rented from by this project, which has no program for it"
            yield from _unknown(own, ("rentable",), row.name, known.services, message)
        case SpecificationCost():
            yield from _place(own, ("place",), row.place, known)
        case _:
            yield from _of_venues(own, row, known)


def _of_venues(own: OwnRow, row: Row, known: _Known) -> Iterator[Problem]:
    match row:
        case Venue():
            yield from _place(own, ("hosting", "place"), row.hosting.place if row.hosting else "", known)
            yield from _unknown(own, ("via",), row.via, known.venues, "is not a venue of the catalogue")
        case SiteRow():
            yield from _unknown(own, ("venue",), row.venue, known.venues, "is not a venue of the catalogue")
            yield from _place(own, ("place",), row.place, known)
            yield from _place(own, ("claimed_place",), row.claimed_place, known)
        case ExpectedClaim():
            yield from _unknown(own, ("venue",), row.at, known.venue_sites, "is not a venue's site of the catalogue")
            yield from _place(own, ("place",), row.place, known)
        case _:
            pass


def _round_trips(own: OwnRow, row: MeasuredPlace, known: _Known) -> Iterator[Problem]:
    for name, ms in row.to.items():
        yield from _place(own, ("to", name), name, known)
        one, other = known.places.get(row.place), known.places.get(name)
        if one is not None and other is not None and ms < (floor := floor_ms(one, other)):
            message = "is faster than light in fibre: a content network answered, or it is a mistake"
            yield at(own.document, (*own.path, "to", name), ms, message, f"{floor:.1f} ms or more")


def _place(own: OwnRow, key: KeyPath, name: str, known: _Known) -> Iterator[Problem]:
    yield from _unknown(own, key, name, known.place_names, "is not a place of the catalogue")


def _sites(own: OwnRow, key: str, service: str, names: Iterable[str], known: _Known) -> Iterator[Problem]:
    there = known.sites.get(service, ())
    for name in names:
        yield from _unknown(own, (key,), name, there, f"is not a location of {service}")


def _unknown(own: OwnRow, key: KeyPath, name: str, known: tuple[str, ...], message: str) -> Iterator[Problem]:
    """Nothing for what is left out."""
    if name and name not in known:
        yield at(own.document, (*own.path, *key), name, message, ", ".join(known), nearest(name, known))
