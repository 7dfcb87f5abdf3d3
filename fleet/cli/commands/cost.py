"""``fleet cost``: what the fleet costs a month, before anything exists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.age import tell_age_of
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.configuration import Configuration
    from fleet.cost.answer import Answer
    from fleet.cost.estimate import Estimate
    from fleet.cost.line import Line

UNPRICED, OVER_BUDGET = 1, 3


def cost(
    stacks: Annotated[list[str] | None, typer.Argument(help="Stacks to show; default: the whole fleet.")] = None,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print markdown, for a pull request.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page with a chart.")] = None,
    explain: Annotated[str, typer.Option(metavar="ROW", help="One row: which price, rule, source and date.")] = "",
    alternatives: Annotated[bool, typer.Option("--alternatives", help="What else could be rented.")] = False,
    compare_spec: Annotated[bool, typer.Option("--compare-spec", help="Beside the specification's table.")] = False,
    usage: Annotated[Path | None, typer.Option(help="A YAML file with hours and GB out per region.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if anything has no known price.")] = False,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="What up would change, by the engine's own preview of STACKS, or of files that "
            "pulumi preview --json --show-sames wrote.",
        ),
    ] = False,
    root: Root = None,
) -> None:
    """What the fleet costs a month and a year, by price lists. Exit code 3: over a budget of fleet.yaml.

    Needs no engine, no account and no network, except for --preview of a stack.
    """
    from datetime import date

    if preview:
        from fleet.cli.commands.cost_preview import cost_of_changes

        ignored = {
            "--html": html is not None,
            "--explain": bool(explain),
            "--alternatives": alternatives,
            "--compare-spec": compare_spec,
        }
        if given := [option for option, asked in ignored.items() if asked]:
            raise typer.BadParameter(
                f"{', '.join(given)} cannot be with --preview, which takes --json or --markdown, --usage and --strict"
            )
        cost_of_changes(Context(root), stacks or (), usage, as_json=json, as_markdown=markdown, strict=strict)
        return

    from fleet.cost.answer import answer

    context = Context(root)
    found = answer(context.root, context.configuration, stacks or (), usage, date.today())
    if explain:
        _explain(found.shown, explain)
    elif compare_spec:
        _compare(found, context.configuration, as_json=json)
    elif alternatives:
        _alternatives(found, context.configuration, as_json=json)
    elif json:
        from fleet.cost.facts import estimate_facts

        print_json(estimate_facts(found.shown, found.verdicts))
    elif markdown:
        from fleet.cost.markdown import markdown as as_markdown

        print(as_markdown(found.shown, found.verdicts))
    else:
        _table(found)
    if explain or compare_spec or alternatives:
        for warning in found.shown.stale():
            typer.echo(f"stale: {warning}", err=True)
    if html is not None:
        from fleet.cost.page import page

        html.write_text(page(context.configuration.fleet.name, found.shown, found.verdicts), encoding="utf-8")
    end(found.shown.unpriced, over_budget=found.over_budget, strict=strict)


def end(unpriced: Sequence[Line], *, over_budget: bool, strict: bool) -> None:
    """Leave with the code that the answer asks for."""
    if strict and unpriced:
        names = ", ".join(line.row for line in unpriced)
        typer.echo(f"error: {len(unpriced)} unpriced: {names}", err=True)
        raise typer.Exit(UNPRICED)
    if over_budget:
        raise typer.Exit(OVER_BUDGET)


def _table(found: Answer) -> None:
    from fleet.cost.money import text

    shown = found.shown
    rows = [
        (
            line.row,
            line.what,
            line.service,
            text(line.monthly_usd),
            line.rule if line.monthly_usd is None else _read(line),
        )
        for line in shown.lines
    ]
    print_table("What it costs, by price lists", ("row", "what", "billed by", "USD a month", "price read on"), rows)
    stacks = [(name, text(usd)) for name, usd in shown.by_stack().items()]
    print_table("By stack", ("stack", "USD a month"), stacks)
    print(f"total: USD {text(shown.monthly_usd)} a month, {text(shown.yearly_usd)} a year, without tax")
    if shown.unpriced:
        print(f"UNPRICED: {len(shown.unpriced)}, in no sum: {', '.join(line.row for line in shown.unpriced)}")
    for verdict in found.verdicts:
        print(verdict)
    for row in shown.allowances:
        included = "an unknown amount of" if row.included_gb is None else f"{row.included_gb:,.0f}"
        print(f"traffic at {row.service} ({row.owner}): {included} GB included, {row.used_gb:,.0f} GB expected")
    for warning in shown.stale():
        print(f"stale: {warning}")


def _read(line: Line) -> str:
    if line.origin is None:
        return ""
    doubt = " (unverified)" if line.origin.confidence == "unverified" else ""
    return f"{line.origin.as_of or line.origin.source}{doubt}"


def _explain(shown: Estimate, row: str) -> None:
    from fleet.cost.explanation import explain, find_row

    for line in explain(find_row(shown.lines, row), shown.today):
        print(line)


def _compare(found: Answer, configuration: Configuration, *, as_json: bool) -> None:
    from fleet.catalogue.market import load_specification_costs
    from fleet.cost.answer import places_of
    from fleet.cost.specification import compare, comparison_facts, comparison_rows, comparison_sum

    rows, others = compare(found.whole, load_specification_costs(configuration.own_rows), places_of(configuration))
    if as_json:
        print_json(comparison_facts(rows, others))
        return
    columns = ("place", "specification", "ours", "difference", "why")
    print_table("The specification's table, USD a month", columns, comparison_rows(rows))
    print(comparison_sum(rows))
    if others:
        print_table("Regions that its table has not", columns, comparison_rows(others))


def _alternatives(found: Answer, configuration: Configuration, *, as_json: bool) -> None:
    from fleet.catalogue.market import load_market
    from fleet.cost.alternatives import alternative_amount, alternative_facts, alternatives, unpriced_sentence
    from fleet.cost.answer import places_of, venue_places_of
    from fleet.cost.money import signed

    regions = {line.region for line in found.shown.lines}
    things = [thing for thing in found.things if thing.region in regions]
    venues = venue_places_of(configuration)
    rows = alternatives(
        things,
        places_of(configuration),
        venues,
        found.prices,
        load_market(configuration.own_rows),
        found.usage,
        configuration.venues.trips,
    )
    tell_age_of("prices of alternatives", [row.origin for row in rows])
    tell_age_of("round trips", configuration.venues.trips.measured.values())
    if as_json:
        print_json([alternative_facts(row) for row in rows])
        return
    columns = ("instead of", "seller", "plan", "where", "size", "USD a month", "difference", "to its venues", "")
    table = [
        (
            row.server,
            row.seller,
            row.plan,
            row.location,
            row.size,
            alternative_amount(row),
            "" if row.difference_usd is None else signed(row.difference_usd),
            "" if row.venues_ms is None else f"{row.venues_ms:+} ms",
            ("" if row.rentable else "not rentable here. ") + row.note,
        )
        for row in rows
    ]
    print_table("Same size or larger, in the same metro, with a static address", columns, table)
    if told := unpriced_sentence(rows):
        print(told)
