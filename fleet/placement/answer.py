"""The whole answer to a question: the plan, what comes close, what it is worth beside others, and what cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from fleet.catalogue.prices import PriceList
from fleet.catalogue.venue_sites import VenueList
from fleet.configuration import Configuration
from fleet.placement.exhaustive import MOST, Exhaustive
from fleet.placement.plan import Objective, Plan, moved, plan_of
from fleet.placement.problem import Problem, Reach, obstacle
from fleet.placement.question import Asked, Question, ask, no_such, reach_of
from fleet.placement.sensitivity import Flip, flips_among_all, flips_among_neighbours

if TYPE_CHECKING:
    from fleet.placement.mixed_integer import MixedInteger

SPECIFICATION_PLACES = ("cdmx", "new-jersey", "singapore", "london", "chicago")
"""Its five servers."""
MEANS = (Objective.MEAN, Objective.WEIGHTED)


class NoPlan(Exception):
    """Nothing fulfils what was asked; the text says what stands in the way, and what would do."""

    exit_code = 3


@dataclass(frozen=True)
class Beside:
    """A plan that somebody else had in mind, by the same measure."""

    name: str
    plan: Plan | None
    """None: it cannot serve everything that was asked."""
    why: str
    """Empty, or what it lacks or breaks."""


@dataclass(frozen=True)
class Answer:
    """What ``fleet place`` says."""

    question: Question
    asked: Asked
    """Without candidates that another one in the same place beats."""
    considered: Asked
    """With all of them."""
    best: Plan
    runner_up: Plan | None
    front: tuple[Plan, ...]
    """Without regard to the budget."""
    flips: tuple[Flip, ...]
    beside: tuple[Beside, ...]
    in_full: bool
    """Whether every useful set was looked at; else the answer is from a mixed-integer program, and ``flips`` are among
    plans that differ by one opening, closing or exchange."""


def answer(question: Question, configuration: Configuration, prices: PriceList) -> Answer:
    """Solve.

    Raises:
        BadQuestion: something in the question does not exist.
        NoPlan: nothing fulfils it.
        fleet.placement.mixed_integer.Unsolved: too large to prove an answer.
    """
    considered = ask(question, configuration, prices)
    asked = _without_the_dominated(considered)
    problem, objective = asked.problem, question.objective
    # What is made useless by others is in no best plan, but it may be in the second best.
    useful = problem.without_the_useless()
    solver = solver_of(useful)
    best = solver.best(objective)
    if best is None:
        raise NoPlan(why_none(problem, solver_of(problem).cheapest()))
    of_the_whole = moved(best, useful, problem)
    runner_up = solver_of(problem).best(objective, unlike=of_the_whole)
    front = solver_of(useful.with_budget(None)).front(objective)
    if objective not in MEANS:
        flips: tuple[Flip, ...] = ()
    elif isinstance(solver, Exhaustive):
        flips = flips_among_all(solver, best, objective)
    else:
        flips = flips_among_neighbours(useful, best, objective)
    return Answer(
        question,
        asked,
        considered,
        of_the_whole,
        runner_up,
        tuple(moved(plan, useful, problem) for plan in front),
        tuple(dataclasses.replace(flip, plan=moved(flip.plan, useful, problem)) for flip in flips),
        tuple(_beside(asked, objective, configuration)),
        isinstance(solver, Exhaustive),
    )


def solver_of(problem: Problem) -> Exhaustive | MixedInteger:
    """The way to solve a problem: every set while there are few enough, else a program."""
    if sum(not candidate.always for candidate in problem.candidates) <= MOST:
        return Exhaustive(problem)
    # Only here: SciPy takes a third of a second to import.
    from fleet.placement.mixed_integer import MixedInteger

    return MixedInteger(problem)


def why_none(problem: Problem, cheapest: Plan | None) -> str:
    """What stands in the way, in as many lines as there are reasons."""
    if cheapest is not None:
        names = ", ".join(problem.candidates[number].name for number in cheapest.opened)
        return (
            f"no plan within USD {problem.budget_usd:,.2f} a month: the cheapest that serves everything costs "
            f"{cheapest.monthly_usd} ({names})"
        )
    lines: list[str] = []
    for column, demand in enumerate(problem.demands):
        reasons = [
            (candidate.name, obstacle(demand, reaches[column]))
            for candidate, reaches in zip(problem.candidates, problem.reaches, strict=True)
        ]
        able = {candidate.place for candidate, (_, why) in zip(problem.candidates, reasons, strict=True) if not why}
        if len(able) < problem.in_reach:
            served = f"only {len(able)} of the {problem.in_reach} places asked for" if able else "no candidate"
            refused = "; ".join(f"{name}: {why}" for name, why in reasons if why)
            lines.append(f"{demand.name}: {served} can serve it ({refused})")
    return "no plan at any price:\n" + "\n".join(lines)


def _without_the_dominated(asked: Asked) -> Asked:
    problem = asked.problem.without_the_dominated()
    kept = {candidate.name for candidate in problem.candidates}
    offers = tuple(offer for offer in asked.offers if offer.name in kept)
    return Asked(problem, offers, asked.sites, asked.hosts, asked.left_out, asked.unpriced, asked.trips)


def _beside(asked: Asked, objective: Objective, configuration: Configuration) -> Iterator[Beside]:
    fleet = configuration.fleet
    own = tuple(region.place for region in fleet.regions.values())
    hub = fleet.regions[fleet.hub].place
    for name, places in (
        ("the hub alone", (hub,)),
        ("the specification's five servers", SPECIFICATION_PLACES),
        ("every region of fleet.yaml", own),
    ):
        yield _judged(asked.problem, name, places, objective)


def _judged(problem: Problem, name: str, places: Iterable[str], objective: Objective) -> Beside:
    wanted = tuple(places)
    chosen = [
        min(numbers, key=lambda number: problem.candidates[number].monthly_usd)
        for place, numbers in problem.by_place().items()
        if place in wanted
    ]
    missing = [place for place in wanted if place not in problem.by_place()]
    if missing:
        return Beside(name, None, f"no candidate in {', '.join(missing)}")
    plan = plan_of(problem, chosen, objective)
    if plan is None:
        unserved = [
            demand.name
            for column, demand in enumerate(problem.demands)
            if all(obstacle(demand, problem.reaches[number][column]) for number in chosen)
        ]
        return Beside(name, None, f"cannot serve {', '.join(unserved)} as asked")
    if problem.budget_usd is not None and plan.monthly_usd > problem.budget_usd:
        return Beside(name, plan, f"over the budget by USD {plan.monthly_usd - problem.budget_usd}")
    short = [
        demand.name
        for column, demand in enumerate(problem.demands)
        if sum(not obstacle(demand, problem.reaches[number][column]) for number in plan.opened) < problem.in_reach
    ]
    return Beside(name, plan, f"fewer than {problem.in_reach} in reach of {', '.join(short)}" if short else "")


@dataclass(frozen=True)
class Configured:
    """The fleet as its files describe it, against its hub alone."""

    asked: Asked
    hub_alone: Plan
    configured: Plan


def as_configured(question: Question, configuration: Configuration, prices: PriceList) -> Configured:
    """What the fleet's own regions give, with the servers that its stack files name.

    Raises:
        BadQuestion: something in the question does not exist.
        NoPlan: the hub alone, or all regions together, cannot serve everything; or a region's price is not known.
    """
    asked = ask(question, configuration, prices)
    regions = tuple(configuration.fleet.regions)
    missing = [name for name in regions if name not in {offer.name for offer in asked.offers}]
    if missing:
        raise NoPlan(f"no price is known of {', '.join(missing)}: see fleet cost")
    own = [number for number, offer in enumerate(asked.offers) if offer.name in regions]
    hub_alone, everything = (plan_of(asked.problem, numbers, question.objective) for numbers in ((), own))
    if hub_alone is None or everything is None:
        raise NoPlan("the hub alone, or all regions together, cannot serve every venue: see fleet place")
    return Configured(asked, hub_alone, everything)


@dataclass(frozen=True)
class Permission:
    """Whether a venue may be served from a place."""

    venue: str
    place: str
    refusal: str
    """Empty: nothing is known that forbids it."""
    reach: Reach | None
    """How far it is; None: where the venue is, is not known, or a content network answers everywhere."""
    instead: str
    """The nearest candidate place that may; empty where the asked one may, or none does."""
    instead_reach: Reach | None
    monthly_usd: Decimal | None


def permissions(asked: Asked, question: Question, venues: VenueList, venue: str, place: str) -> tuple[Permission, ...]:
    """May this venue be served from that place, and if not, from where; one answer for each of its sites.

    Raises:
        BadQuestion: there is no such venue or no such place.
    """
    sites = venues.sites_of(venue)
    if not sites:
        raise no_such("venue", venue, venues.site_names())
    if place not in venues.trips.places:
        raise no_such("place", place, venues.trips.places)
    found: list[Permission] = []
    for site in sites:
        refusal, reach = site.refusal_at(place), reach_of(question, venues, place, site)
        legal = [offer for offer in asked.offers if not site.refusal_at(offer.place)]
        reached = [(offer, there) for offer in legal if (there := reach_of(question, venues, offer.place, site))]
        if not refusal or not reached:
            found.append(Permission(site.name, place, refusal, reach, "", None, None))
            continue
        best, there = min(reached, key=lambda pair: (pair[1].ms, pair[0].monthly_usd))
        found.append(Permission(site.name, place, refusal, reach, best.place, there, best.monthly_usd))
    return tuple(found)
