"""From what a user asks to a problem: which venues, which candidates, what is barred. The one file that knows both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from fleet.catalogue.prices import PriceList
from fleet.catalogue.round_trips import Basis, RoundTrips
from fleet.catalogue.venue_sites import Site, VenueList
from fleet.configuration import Configuration
from fleet.model.nearest import nearest
from fleet.placement.offers import REGION_SIZE, Offer, Size, market_offers, own_offers
from fleet.placement.plan import Objective
from fleet.placement.problem import Candidate, Demand, Problem, Reach

if TYPE_CHECKING:
    from fleet.latency.known import Known, Pair

BROKERS_AND_DATA = ("broker", "data")
"""Kinds of venues that are placed for; feeds come with a broker."""


Value = TypeVar("Value", float, None)


class BadQuestion(Exception):
    """Names that do not exist, or numbers that make no sense; the text says what is allowed."""

    exit_code = 2


class Hosting(StrEnum):
    """Whose word on where venues are."""

    PUBLISHED = "published"
    """The best that is known."""
    SPECIFICATION = "specification"


@dataclass(frozen=True)
class Question:
    """What a user wants to know. Empty lists mean: all that there is."""

    venues: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """Places to consider beside the hub's; none: those of the fleet's regions, and those where the venues are."""
    services: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    """By venue, or by site of a venue."""
    limits_ms: Mapping[str, float] = field(default_factory=dict)
    budget_usd: Decimal | None = None
    in_reach: int = 1
    objective: Objective = Objective.MEAN
    hosting: Hosting = Hosting.PUBLISHED
    size: Size = REGION_SIZE
    measured: Mapping[Pair, Known] = field(default_factory=dict)
    """From places to sites; takes the place of an estimate, unless venues are asked for where the specification has
    them."""

    def measured_ms(self, place: str, site: Site) -> float | None:
        """What was measured; None: nothing was, or it is not of where the site is taken to be."""
        found = self.measured.get((place, site.name)) if self.hosting is Hosting.PUBLISHED else None
        return None if found is None else found.ms


@dataclass(frozen=True)
class Asked:
    """The problem, and what its numbers stand for."""

    problem: Problem
    offers: tuple[Offer, ...]
    """One for each candidate."""
    sites: tuple[Site, ...]
    """One for each demand."""
    hosts: tuple[str, ...]
    """The place of each site, by the hosting that was asked for."""
    left_out: tuple[tuple[str, str], ...]
    """Venues that no place is for, and why."""
    unpriced: tuple[Offer, ...]
    """Servers that are no candidates because their price is not known."""
    trips: RoundTrips
    """By which the reaches are that nobody has measured."""


def ask(question: Question, configuration: Configuration, prices: PriceList) -> Asked:
    """Build the problem.

    Raises:
        BadQuestion: everything in the question that does not exist.
    """
    _check(question, configuration.venues, prices)
    chosen, left_out = _sites(question, configuration.venues)
    if not chosen:
        raise BadQuestion("no venue is left to place for: " + "; ".join(f"{name} ({why})" for name, why in left_out))
    hosts = tuple(_host(site, question.hosting) for site in chosen)
    offers = _offers(question, configuration, prices, hosts)
    priced = tuple(offer for offer in offers if offer.monthly_usd is not None)
    trips = configuration.venues.trips
    problem = Problem(
        candidates=tuple(
            Candidate(offer.name, offer.place, offer.monthly_usd or Decimal(0), always=offer.is_hub) for offer in priced
        ),
        demands=tuple(
            Demand(site.name, _of(question.weights, site, 1.0), _of(question.limits_ms, site, None)) for site in chosen
        ),
        reaches=tuple(
            tuple(_reach(trips, question, offer.place, site, host) for site, host in zip(chosen, hosts, strict=True))
            for offer in priced
        ),
        budget_usd=question.budget_usd,
        in_reach=question.in_reach,
    )
    unpriced = tuple(offer for offer in offers if offer.monthly_usd is None)
    return Asked(problem, priced, chosen, hosts, left_out, unpriced, trips)


@dataclass(frozen=True)
class Reached:
    """A site that is placed for, and how it is reached from some places."""

    site: Site
    host: str
    """The place where it is."""
    reaches: tuple[Reach, ...]
    """One for each of the places, in their order."""


def reached_from(places: Sequence[str], question: Question, venues: VenueList) -> tuple[Reached, ...]:
    """Every site that a question is about, from given places."""
    trips = venues.trips
    chosen, _ = _sites(question, venues)
    return tuple(
        Reached(site, host, tuple(_reach(trips, question, place, site, host) for place in places))
        for site, host in ((site, _host(site, question.hosting)) for site in chosen)
    )


def reach_of(question: Question, venues: VenueList, place: str, site: Site) -> Reach | None:
    """How one site is reached from one place, measured where it was; None where it is not known where the site is."""
    host = _host(site, question.hosting)
    return _reach(venues.trips, question, place, site, host) if host and not site.edge else None


def no_such(kind: str, name: str, known: Iterable[str]) -> BadQuestion:
    """The error for a name that does not exist."""
    return BadQuestion(next(iter(_unknown(kind, (name,), known))))


def _host(site: Site, hosting: Hosting) -> str:
    return site.claimed_place if hosting is Hosting.SPECIFICATION else site.place


def _sites(question: Question, venues: VenueList) -> tuple[tuple[Site, ...], tuple[tuple[str, str], ...]]:
    chosen: list[Site] = []
    left_out: list[tuple[str, str]] = []
    for site in venues.sites:
        named = site.name in question.venues or site.venue.name in question.venues
        if (question.venues and not named) or site.venue.kind not in BROKERS_AND_DATA:
            continue
        if site.edge:
            left_out.append((site.name, "a content network answers everywhere"))
        elif site.venue.status == "disabled" and not named:
            left_out.append((site.name, "disabled in the catalogue; name it to place for it"))
        elif not _host(site, question.hosting):
            left_out.append((site.name, f"no hosting is known ({question.hosting})"))
        else:
            chosen.append(site)
    return tuple(chosen), tuple(left_out)


def _offers(
    question: Question, configuration: Configuration, prices: PriceList, hosts: Iterable[str]
) -> tuple[Offer, ...]:
    own = own_offers(configuration, prices)
    hub = tuple(offer for offer in own if offer.is_hub)
    wanted = question.places or tuple(dict.fromkeys([*(offer.place for offer in own), *hosts]))
    services = question.services or tuple(prices.catalogue.services)
    standing = tuple(
        offer
        for offer in own
        if not offer.is_hub
        and offer.place in wanted
        and (not question.services or any(name.startswith(offer.service) for name in _providers(prices, services)))
    )
    places = [place for place in wanted if place not in {offer.place for offer in hub}]
    return (*hub, *standing, *market_offers(prices, places, services, question.size))


def _providers(prices: PriceList, services: Iterable[str]) -> set[str]:
    return {prices.catalogue.services[name].provider for name in services}


def _reach(trips: RoundTrips, question: Question, place: str, site: Site, host: str) -> Reach:
    refusal = site.refusal_at(place)
    ms = question.measured_ms(place, site)
    if ms is not None:
        return Reach(ms, Basis.MEASURED, refusal)
    trip = trips.between(place, host)
    return Reach(trip.ms, trip.basis, refusal)


def _of(values: Mapping[str, float], site: Site, otherwise: Value) -> float | Value:
    """A site's own value before its venue's."""
    return values.get(site.name, values.get(site.venue.name, otherwise))


def _check(question: Question, venue_list: VenueList, prices: PriceList) -> None:
    venues = venue_list.site_names()
    found = [
        *_unknown("venue", question.venues, venues),
        *_unknown("venue", question.weights, venues),
        *_unknown("venue", question.limits_ms, venues),
        *_unknown("place", question.places, prices.catalogue.places),
        *_unknown("service", question.services, prices.catalogue.services),
    ]
    found += [
        f"the weight of {name} is {weight:g}: a number from 0"
        for name, weight in question.weights.items()
        if not 0 <= weight < float("inf")
    ]
    found += [
        f"the limit of {name} is {ms:g} ms: a number above 0"
        for name, ms in question.limits_ms.items()
        if not 0 < ms < float("inf")
    ]
    if question.in_reach < 1:
        found.append(f"{question.in_reach} regions in reach: a whole number from 1")
    if question.budget_usd is not None and not question.budget_usd >= 0:
        found.append(f"a budget of {question.budget_usd}: dollars a month, from 0")
    if question.weights and question.objective is not Objective.WEIGHTED:
        found.append(f"weights do not count for the objective {question.objective}: ask for --objective weighted")
    if found:
        raise BadQuestion("; ".join(dict.fromkeys(found)))


def _unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    allowed = tuple(known)
    for name in names:
        if name not in allowed:
            yield f"no {kind} '{name}'. {nearest(name, allowed)} Known: {', '.join(allowed)}".replace("  ", " ")
