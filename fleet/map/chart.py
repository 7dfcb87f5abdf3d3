"""What the map shows: regions with their cost, links with their round trips, venues and where they are served from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from fleet.catalogue.catalogue import Place
from fleet.catalogue.prices import PriceList
from fleet.catalogue.round_trips import Basis, RoundTrips
from fleet.catalogue.venue_sites import Site, VenueList
from fleet.configuration import Configuration
from fleet.latency.known import Known
from fleet.model.venue import VenueUse
from fleet.placement.offers import own_offers

BROKERS_AND_DATA = ("broker", "data")

Pair = tuple[str, str]


class BadMeshFile(Exception):
    """The file is not what ``fleet mesh show --json`` prints; the text says what is wrong."""

    exit_code = 2


@dataclass(frozen=True)
class Served:
    """A venue that a region uses."""

    name: str
    title: str
    active: bool
    place: str
    """Where it is; empty where that is not known or a content network answers."""
    ms: float | None
    """The round trip; None where its place is not known and nothing was measured."""
    measured: Known | None
    """What was measured from the region's host; None: the round trip is an estimate."""


@dataclass(frozen=True)
class Region:
    """A region of the fleet."""

    name: str
    place: Place
    is_hub: bool
    monthly_usd: Decimal | None
    """None: not known."""
    serves: tuple[Served, ...]


@dataclass(frozen=True)
class Link:
    """Between two regions, in the order of the regions."""

    regions: Pair
    ms: float
    basis: Basis


@dataclass(frozen=True)
class Chart:
    """Everything on the map."""

    fleet: str
    regions: tuple[Region, ...]
    links: tuple[Link, ...]
    hosts: Mapping[str, Place]
    """The places where venues are."""


def chart(
    configuration: Configuration, prices: PriceList, measured: Mapping[Pair, float], to_venues: Mapping[Pair, Known]
) -> Chart:
    """Gather what the map shows. What was measured takes the place of estimates.

    Args:
        measured: round trips in ms by pair of hosts.
        to_venues: round trips by place and site of a venue.
    """
    trips = configuration.venues.trips
    costs = {offer.name: offer.monthly_usd for offer in own_offers(configuration, prices)}
    regions = tuple(
        Region(
            name=name,
            place=trips.places[region.place],
            is_hub=name == configuration.fleet.hub,
            monthly_usd=costs[name],
            serves=tuple(
                _served(configuration.stacks[name].venues, region.place, trips, configuration.venues, to_venues)
            ),
        )
        for name, region in configuration.fleet.regions.items()
    )
    links = tuple(_link(one, other, trips, measured) for at, one in enumerate(regions) for other in regions[at + 1 :])
    hosts = {one.place: trips.places[one.place] for region in regions for one in region.serves if one.place}
    return Chart(configuration.fleet.name, regions, links, hosts)


def read_measured(path: Path) -> Mapping[Pair, float]:
    """Round trips as ``fleet mesh show --json`` prints them; of both directions of a link the mean.

    Raises:
        BadMeshFile: the file cannot be read as that.
    """
    try:
        links = json.loads(path.read_text(encoding="utf-8"))["links"]
        found = [(str(link["node"]), str(link["peer"]), link["rtt_median"]) for link in links]
        known = {(node, peer): float(ms) for node, peer, ms in found if ms is not None}
    except OSError as problem:
        raise BadMeshFile(f"{path} cannot be read: {problem.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise BadMeshFile(f"{path} is not what fleet mesh show --json prints") from None
    return {(node, peer): (ms + known.get((peer, node), ms)) / 2 for (node, peer), ms in known.items()}


def _served(
    uses: tuple[VenueUse, ...], place: str, trips: RoundTrips, venues: VenueList, to_venues: Mapping[Pair, Known]
) -> Iterator[Served]:
    for use in uses:
        venue = venues.by_name.get(use.venue)
        if venue is None or venue.kind not in BROKERS_AND_DATA:
            continue
        site = _site(use, venues)
        where = site.place if site is not None and not site.edge else ""
        known = to_venues.get((place, site.name)) if site is not None else None
        estimate = trips.between(place, where).ms if where else None
        yield Served(
            use.venue, venue.title, use.mode == "active", where, estimate if known is None else known.ms, known
        )


def _site(use: VenueUse, venues: VenueList) -> Site | None:
    """The site that an account is at: its own, or the venue's only one."""
    sites = [site for site in venues.sites if site.venue.name == use.venue]
    own = [site for site in sites if site.name == f"{use.venue}/{use.account}"]
    if own:
        return own[0]
    return sites[0] if len(sites) == 1 else None


def _link(one: Region, other: Region, trips: RoundTrips, measured: Mapping[Pair, float]) -> Link:
    pair = (one.name, other.name)
    seen = measured.get(pair, measured.get((other.name, one.name)))
    if seen is not None:
        return Link(pair, seen, Basis.MEASURED)
    trip = trips.between(one.place.name, other.place.name)
    return Link(pair, trip.ms, trip.basis)
