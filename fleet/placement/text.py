"""The answer for people: rows of tables, and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.catalogue.round_trips import Basis
from fleet.placement.answer import Answer, Permission
from fleet.placement.plan import Plan, fallback
from fleet.placement.problem import Reach, obstacles

Cells = tuple[str, ...]

SHOWN_FLIPS = 5


def opened(answer: Answer, plan: Plan) -> str:
    """The places of a plan, the hub first."""
    return ", ".join(answer.asked.offers[number].place for number in plan.opened)


def money_and_ms(plan: Plan) -> tuple[str, str]:
    """Cost and score of a plan."""
    return f"{plan.monthly_usd:,.2f}", f"{plan.score_ms:.1f}"


def server_rows(answer: Answer) -> list[Cells]:
    """What to open: place, server, price, and what is served from there."""
    best, asked = answer.best, answer.asked
    rows: list[Cells] = []
    for number in best.opened:
        offer = asked.offers[number]
        served = [
            f"{demand.name} {best.ms[column]:g}"
            for column, demand in enumerate(asked.problem.demands)
            if best.served_from[column] == number
        ]
        rows.append(
            (
                offer.place,
                f"{offer.plan} at {offer.service}",
                f"{offer.monthly_usd:,.2f}",
                ", ".join(served) or "nothing",
            )
        )
    return rows


def venue_rows(answer: Answer) -> list[Cells]:
    """Where each venue is, from where it is served, how far that is beside the best possible, and what then."""
    best, asked, trips = answer.best, answer.asked, answer.asked.trips
    rows: list[Cells] = []
    for column, (site, host, number) in enumerate(zip(asked.sites, asked.hosts, best.served_from, strict=True)):
        place = asked.offers[number].place
        reach = asked.problem.reaches[number][column]
        spare = fallback(asked.problem, best, column)
        hub = next(
            (row[column].ms for row, one in zip(asked.problem.reaches, asked.offers, strict=True) if one.is_hub), None
        )
        rows.append(
            (
                site.name,
                host + (" (assumed)" if site.confidence == "unverified" else ""),
                place,
                f"{reach.ms:g}",
                str(reach.basis),
                f"{trips.between(place, host).floor_ms:.1f}",
                "" if hub is None else f"{hub:g}",
                "nowhere"
                if spare is None
                else f"{asked.offers[spare].place} {asked.problem.reaches[spare][column].ms:g}",
            )
        )
    return rows


def front_rows(answer: Answer) -> list[Cells]:
    """The front, with the plans that others had in mind beside it."""
    rows: list[Cells] = [(*money_and_ms(plan), opened(answer, plan), _mark(answer, plan)) for plan in answer.front]
    for row in answer.beside:
        if row.plan is None:
            rows.append(("", "", row.name, row.why))
        else:
            rows.append(
                (*money_and_ms(row.plan), opened(answer, row.plan), f"{row.name}{': ' if row.why else ''}{row.why}")
            )
    return rows


def _mark(answer: Answer, plan: Plan) -> str:
    if plan.opened == answer.best.opened:
        return "<- the answer"
    budget = answer.asked.problem.budget_usd
    return "over the budget" if budget is not None and plan.monthly_usd > budget else ""


def obstacle_rows(answer: Answer) -> list[Cells]:
    """Every pair that cannot be; candidates of one place with the same reason share a row."""
    places = {offer.name: offer.place for offer in answer.considered.offers}
    found = dict.fromkeys(
        (demand.name, places[candidate.name], why) for candidate, demand, why in obstacles(answer.considered.problem)
    )
    return [(venue, place, why) for venue, place, why in sorted(found)]


def sentences(answer: Answer) -> Iterator[str]:
    """What the tables do not say."""
    best, asked = answer.best, answer.asked
    cost, ms = money_and_ms(best)
    budget = f" of USD {asked.problem.budget_usd:,.2f}" if asked.problem.budget_usd is not None else ""
    yield f"answer: {opened(answer, best)}: USD {cost} a month{budget}, {answer.question.objective} {ms} ms"
    if answer.runner_up is None:
        yield "runner-up: none, nothing else fulfils what was asked"
    else:
        cost, ms = money_and_ms(answer.runner_up)
        yield f"runner-up: {opened(answer, answer.runner_up)}: USD {cost} a month, {ms} ms"
    yield from _flips(answer)
    for name, why in asked.left_out:
        yield f"left out: {name}: {why}"
    if asked.unpriced:
        yield (f"UNPRICED, so no candidates: {', '.join(offer.name for offer in asked.unpriced)}")
    yield _origin(answer)


def _origin(answer: Answer) -> str:
    """Where the round trips of the answer are from."""
    best, problem = answer.best, answer.asked.problem
    pairs = [
        (answer.asked.offers[number].place, site.name)
        for site, number, column in zip(answer.asked.sites, best.served_from, range(len(best.ms)), strict=True)
        if problem.reaches[number][column].basis is Basis.MEASURED
    ]
    if not pairs:
        return (
            "round trips are estimates from published tables and distances, network alone; measured ones differ: "
            "VPS paths are usually longer (fleet latency measure)"
        )
    used = [answer.question.measured[pair] for pair in pairs]
    mark = " SIMULATED" if any(one.simulated for one in used) else ""
    return (
        f"{len(used)} of {len(best.ms)} round trips are{mark} measured from this fleet's hosts, the oldest on "
        f"{min(one.on for one in used)}, the venue's own time included; the others are estimates, network alone"
    )


def _flips(answer: Answer) -> Iterator[str]:
    if str(answer.question.objective) not in ("mean", "weighted"):
        yield "weights do not count for this objective, so none flips the answer"
        return
    among = "" if answer.in_full else " (among plans that differ by one opening, closing or exchange)"
    if not answer.flips:
        yield f"no change of a single weight between 0 and 100 flips the answer{among}"
    for flip in answer.flips[:SHOWN_FLIPS]:
        towards = "above" if flip.flips_at >= flip.weight else "below"
        if flip.flips_at <= 0:
            yield f"flips if {flip.venue} does not count at all: {opened(answer, flip.plan)} is then as good{among}"
            continue
        yield (
            f"flips if {flip.venue} counts {towards} {flip.flips_at:.3g} (now {flip.weight:g}): "
            f"{opened(answer, flip.plan)}{among}"
        )


def permission_line(row: Permission) -> str:
    """One sentence about a venue and a place."""
    if not row.refusal:
        return f"{row.venue} from {row.place}: nothing is known that forbids it; {_far(row.reach)}"
    offer = (
        f"the nearest place that may: {row.instead}, {_far(row.instead_reach)}, USD {row.monthly_usd:,.2f} a month"
        if row.instead
        else "no candidate may"
    )
    return f"{row.venue} from {row.place}: no. {row.refusal}. Instead, {offer}"


def _far(reach: Reach | None) -> str:
    """Milliseconds, and where they are from."""
    return "where it is, is not known" if reach is None else f"{reach.ms:.4g} ms ({reach.basis})"
