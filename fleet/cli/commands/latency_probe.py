"""``fleet latency probe``: what a place would measure, from a server that stands there for some minutes."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from fleet.cli.age import tell_age_of
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import progress


def probe(
    place: Annotated[str, typer.Argument(help="Where: a place of the catalogue, such as tokyo.")] = "",
    provider: Annotated[str, typer.Option(help="Rent it there; default: wherever it is cheapest.")] = "",
    venue: Annotated[list[str] | None, typer.Option("--venue", help="Only this venue; repeatable.")] = None,
    seconds: Annotated[float, typer.Option(help="How long to measure.")] = 120.0,
    rate: Annotated[float, typer.Option(help="Requests a second to each venue, at most.")] = 1.0,
    yes: Annotated[bool, typer.Option("--yes", help="Rent it without asking.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Only take away what killed probes have left.")] = False,
    root: Root = None,
    json: Json = False,
) -> None:
    """Rent the cheapest server in a place, measure from it, and take it away again.

    Its price is shown first and asked for. Exit code 3: the answer was no, and nothing was rented.
    """
    _end_in_order()
    context = Context(root)
    if clear:
        _clear(context)
        return
    if not place:
        raise typer.BadParameter("name a place, such as tokyo; or give --clear")
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.cli.commands.latency import show_run
    from fleet.latency.plan import Settings, plan_of
    from fleet.latency.probe import left_elsewhere
    from fleet.latency.probe import probe as measure_there
    from fleet.latency.probe_offer import cheapest_offer
    from fleet.latency.store import write
    from fleet.operation.guard import refuse_placeholders

    configuration = context.configuration
    plan = plan_of(configuration.venues, venue or (), Settings(seconds=seconds, rate=rate))
    prices = load_prices(configuration.catalogue, context.root / FOLDER)
    offer = cheapest_offer(prices, place, provider)
    refuse_placeholders(configuration)
    progress(
        "probe",
        f"{offer.plan} at {offer.service or offer.provider} {offer.location}: ${offer.hour_usd:.3f} for up to an hour, "
        f"with its address; left standing it would cost ${offer.month_usd:.2f} a month",
    )
    tell_age_of("prices", offer.rows(prices))
    for name in left_elsewhere(context.workspace):
        progress(name, "made on another machine: in use there, or left behind (fleet latency probe --clear ends it)")
    if not yes and not typer.confirm(f"Rent it, measure for {plan.seconds:.0f} s and take it away?", err=json):
        progress("probe", "not confirmed: nothing was rented")
        raise typer.Exit(3)
    run = measure_there(configuration, context.workspace, context.vault, offer, plan, progress)
    path = write(context.root, run)
    show_run(run, configuration, as_json=json)
    progress("probe", f"taken away; kept in {path}")


def _clear(context: Context) -> None:
    from fleet.latency.probe import clear

    names = clear(context.configuration, context.workspace, progress)
    progress("probe", f"taken away: {', '.join(names)}" if names else "no probe stands")


def _end_in_order() -> None:
    """A closed terminal and a plain kill end it as Ctrl-C does: what it rented goes first."""
    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.default_int_handler)
