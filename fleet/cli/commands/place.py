"""``fleet place``: which regions to open for the venues that one trades."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from fleet.cli.age import tell_age
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.catalogue.prices import PriceList
    from fleet.catalogue.venue_sites import VenueList
    from fleet.configuration import Configuration
    from fleet.placement.answer import Answer
    from fleet.placement.question import Question

REFUSED = 3

Value = TypeVar("Value")


def place(
    venues: Annotated[list[str] | None, typer.Argument(help="Venues to serve; default: all that are in use.")] = None,
    budget: Annotated[str, typer.Option(metavar="USD", help="A month, hub included; default: fleet.yaml's.")] = "",
    objective: Annotated[str, typer.Option(help="mean, weighted, p95 or worst.")] = "",
    weight: Annotated[list[str] | None, typer.Option(metavar="VENUE=N", help="How much a venue counts.")] = None,
    limit: Annotated[list[str] | None, typer.Option(metavar="VENUE=MS", help="The longest that will do.")] = None,
    redundancy: Annotated[int, typer.Option(metavar="K", help="Open places that each venue needs in reach.")] = 1,
    at: Annotated[
        list[str] | None, typer.Option("--place", help="Places to consider; default: fleet's, venues'.")
    ] = None,
    service: Annotated[list[str] | None, typer.Option(help="Services to rent from; default: all.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Consider every place of the catalogue.")] = False,
    vcpu: Annotated[int, typer.Option(help="The least of each server.")] = 4,
    memory: Annotated[int, typer.Option(metavar="GB", help="The least of each server.")] = 8,
    hosting: Annotated[
        str, typer.Option(help="Whose word on where venues are: published, specification.")
    ] = "published",
    serve: Annotated[str, typer.Option(metavar="VENUE=PLACE", help="Only: may a venue be served from there?")] = "",
    claims: Annotated[bool, typer.Option("--claims", help="Only: the specification's latencies, judged.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw cost against latency: .svg or .png.")] = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Which regions to open for these venues, within a budget and what venues allow. Exit code 3: it cannot be.

    Exact and offline, by what fleet latency has measured; where nothing was, by estimates of the network alone.
    """
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.latency.known import known
    from fleet.picture import is_picture, write_picture
    from fleet.placement.answer import answer
    from fleet.placement.offers import Size
    from fleet.placement.plan import Objective
    from fleet.placement.question import Hosting, Question

    if plot is not None and not is_picture(plot):
        raise typer.BadParameter(
            f"'{plot}' ends in neither .svg nor .png, which is what is written", param_hint="--plot"
        )
    context = Context(root)
    if claims:
        _claims(_venues(context), as_json=json)
        return
    configuration = context.configuration
    prices = load_prices(configuration.catalogue, context.root / FOLDER)
    weights = _pairs(weight, "--weight", float)
    goal = objective or (Objective.WEIGHTED if weights else Objective.MEAN)
    question = Question(
        venues=tuple(venues or ()),
        places=tuple(prices.catalogue.places if everywhere else at or ()),
        services=tuple(service or ()),
        weights=weights,
        limits_ms=_pairs(limit, "--limit", float),
        budget_usd=_budget(budget) if budget else configuration.fleet.budgets.monthly_usd,
        in_reach=redundancy,
        objective=_choice(Objective, goal, "--objective"),
        hosting=_choice(Hosting, hosting, "--hosting"),
        size=Size(vcpu, Decimal(memory)),
        measured=known(context.root, configuration.venues, prices.catalogue.places),
    )
    if serve:
        _serve(serve, question, configuration, prices, as_json=json)
        return
    found = answer(question, configuration, prices)
    if plot is not None:
        from fleet.placement.plot import plot as draw

        write_picture(plot, draw(found))
    if json:
        from fleet.placement.facts import answer_facts

        print_json(answer_facts(found))
    else:
        _tables(found)
    tell_age(
        prices,
        {offer.service for offer in found.considered.offers} | configuration.services(),
        configuration.venues.trips,
    )


def _tables(found: Answer) -> None:
    from fleet.placement.text import front_rows, obstacle_rows, sentences, server_rows, venue_rows

    print_table("What to open", ("place", "server", "USD a month", "serves, ms"), server_rows(found))
    columns = ("venue", "hosted in", "served from", "ms", "known by", "floor", "from the hub", "if that is lost")
    print_table("Round trips", columns, venue_rows(found))
    print_table(
        "Cost against latency", ("USD a month", f"{found.question.objective} ms", "open", ""), front_rows(found)
    )
    if rows := obstacle_rows(found):
        print_table("What cannot be", ("venue", "from", "why"), rows)
    for sentence in sentences(found):
        print(sentence)


def _venues(context: Context) -> VenueList:
    """The fleet's; this package's outside of a fleet's folder."""
    from fleet.catalogue.venue_sites import load_venue_list
    from fleet.workspace import WorkspaceError

    try:
        return context.configuration.venues
    except WorkspaceError:
        if context.given is not None:
            raise
        return load_venue_list()


def _claims(venues: VenueList, *, as_json: bool) -> None:
    from fleet.catalogue.claims import judged_claims

    rows = judged_claims(venues)
    if as_json:
        print_json([vars(row) for row in rows])
        return
    print_table(
        "What the specification says, by the best that is known of where venues are",
        ("venue", "from", "claim", "ms", "floor", "estimate", "verdict", ""),
        [
            (
                row.site,
                row.place,
                "measured" if row.rank is None else f"recommended {row.rank}",
                f"{row.low_ms:g}" if row.low_ms == row.high_ms else f"{row.low_ms:g}-{row.high_ms:g}",
                "" if row.floor_ms is None else f"{row.floor_ms:.1f}",
                "" if row.expected_ms is None else f"{row.expected_ms:g}",
                str(row.verdict),
                row.refusal,
            )
            for row in rows
        ],
    )


def _serve(wanted: str, question: Question, configuration: Configuration, prices: PriceList, *, as_json: bool) -> None:
    from fleet.placement.answer import permissions
    from fleet.placement.facts import permission_facts
    from fleet.placement.question import ask
    from fleet.placement.text import permission_line

    venue, _, there = wanted.partition("=")
    asked = ask(question, configuration, prices)
    rows = permissions(asked, question, configuration.venues, venue, there)
    if as_json:
        print_json([permission_facts(row) for row in rows])
    else:
        for row in rows:
            print(permission_line(row))
    tell_age(prices, {row.service for row in asked.offers}, configuration.venues.trips)
    if any(row.refusal for row in rows):
        raise typer.Exit(REFUSED)


def _pairs(written: list[str] | None, option: str, kind: Callable[[str], Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for text in written or ():
        name, _, value = text.partition("=")
        try:
            found[name] = kind(value)
        except ValueError:
            raise typer.BadParameter(
                f"'{text}' is not a venue and a number, such as binance=3", param_hint=option
            ) from None
    return found


def _budget(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise typer.BadParameter(f"'{text}' is not an amount of dollars, such as 250", param_hint="--budget")
    return amount


def _choice(kind: Callable[[str], Value], text: str, option: str) -> Value:
    try:
        return kind(text)
    except ValueError:
        allowed = ", ".join(str(one) for one in kind)  # type: ignore[attr-defined]
        raise typer.BadParameter(f"'{text}' is not one of {allowed}", param_hint=option) from None
