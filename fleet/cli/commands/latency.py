"""``fleet latency``: how long venues take to answer, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.commands.latency_probe import probe
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.configuration import Configuration
    from fleet.latency.comparison import Comparison
    from fleet.latency.measure import Spot
    from fleet.latency.plan import Plan
    from fleet.latency.result import Run
    from hosts import Target

app = typer.Typer(name="latency", help="How long venues take to answer, before and after.", no_args_is_help=True)
app.command()(probe)

Venues = Annotated[list[str] | None, typer.Option("--venue", help="Only this one; repeatable. Default: all in use.")]
Remaining = Annotated[
    bool,
    typer.Option(
        "--remaining", help="The brokers of the specification's step 4: IB, Kraken, TradeStation, NinjaTrader."
    ),
]
Seconds = Annotated[float, typer.Option(help="How long.")]
Count = Annotated[int | None, typer.Option(help="Samples of each REST endpoint, instead of --seconds.")]
Rate = Annotated[float, typer.Option(help="Requests a second to each venue; at most half of what it allows.")]
DropFirst = Annotated[int, typer.Option(help="Ticks at the begin of each series that do not count.")]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="A request without an answer for so long is lost.")]


@app.command()
def measure(
    regions: Annotated[list[str] | None, typer.Argument(help="Regions; default: all that stand.")] = None,
    venue: Venues = None,
    remaining: Remaining = False,
    seconds: Seconds = 120.0,
    count: Count = None,
    rate: Rate = 1.0,
    drop_first: DropFirst = 2,
    timeout: Timeout = 10.0,
    root: Root = None,
    json: Json = False,
) -> None:
    """Measure from the regions' hosts, all at the same time, and keep what they say. Exit code 1: a host did not."""
    context = Context(root)
    plan = _plan(context, venue, remaining, seconds, count, rate, drop_first, timeout)
    _measure(context, _targets(context, regions or ()), plan, baseline=False, as_json=json)


@app.command()
def baseline(
    here: Annotated[bool, typer.Option("--here", help="From this machine, which stands for the hub.")] = False,
    venue: Venues = None,
    remaining: Remaining = False,
    seconds: Seconds = 120.0,
    count: Count = None,
    rate: Rate = 1.0,
    drop_first: DropFirst = 2,
    timeout: Timeout = 10.0,
    root: Root = None,
    json: Json = False,
) -> None:
    """Measure from the hub and keep it as what was before."""
    context = Context(root)
    plan = _plan(context, venue, remaining, seconds, count, rate, drop_first, timeout)
    if not here:
        hub = context.configuration.fleet.hub
        _measure(context, _targets(context, (hub,)), plan, baseline=True, as_json=json)
        return
    from fleet.latency.measure import Spot, ends, measure_here
    from fleet.latency.simulated import is_labs_folder

    fleet = context.configuration.fleet
    spot = Spot(fleet.hub, fleet.hub, fleet.regions[fleet.hub].place)
    progress(spot.host, f"from here: {ends(plan)}")
    run = measure_here(spot, plan, simulated=is_labs_folder(context.root), baseline=True)
    _tell(context, (run,), {}, as_json=json)


@app.command()
def compare(
    regions: Annotated[list[str] | None, typer.Argument(help="Regions after; default: all that measured.")] = None,
    venue: Venues = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """The newest baseline against the newest measurement of each region. Needs no network."""
    from fleet.latency.facts import comparison_facts
    from fleet.latency.text import COMPARED_COLUMNS, compared_rows, comparison_sentences

    found = _compare(Context(root), venue, regions)
    if json:
        print_json(comparison_facts(found))
        return
    print_table("Before and after", COMPARED_COLUMNS, compared_rows(found))
    for sentence in comparison_sentences(found):
        print(sentence)


@app.command()
def report(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.md", help="Where to write it; a picture goes beside it.")
    ] = Path("latency.md"),
    regions: Annotated[list[str] | None, typer.Option("--region", help="Regions after; repeatable.")] = None,
    venue: Venues = None,
    root: Root = None,
) -> None:
    """Write the comparison as markdown with a picture (FILE.svg). Needs no network."""
    from fleet.latency.plot import plot
    from fleet.latency.report import markdown

    if file.suffix.lower() != ".md":
        raise typer.BadParameter(f"'{file}' does not end in .md, which is what is written", param_hint="FILE.md")
    context = Context(root)
    found = _compare(context, venue, regions)
    picture = file.with_suffix(".svg")
    picture.write_text(plot(found), encoding="utf-8")
    file.write_text(markdown(context.configuration.fleet.name, found, picture.name), encoding="utf-8")
    print(f"written: {file}, {picture}")


def _plan(
    context: Context,
    venues: Iterable[str] | None,
    remaining: bool,
    seconds: float,
    count: int | None,
    rate: float,
    drop_first: int,
    timeout: float,
) -> Plan:
    from fleet.latency.plan import REMAINING, Settings, plan_of

    names = (*(venues or ()), *(REMAINING if remaining else ()))
    settings = Settings(seconds, count, rate, drop_first, timeout)
    return plan_of(context.configuration.venues, names, settings)


def _targets(context: Context, regions: Iterable[str]) -> dict[Spot, Target]:
    """The first standing host of each region."""
    from fleet.latency.measure import Spot

    known = context.configuration.fleet.regions
    standing = {host.ref.region: host for host in reversed(context.hosts)}
    wanted = tuple(dict.fromkeys(regions)) or tuple(name for name in known if name in standing)
    if missing := [name for name in wanted if name not in standing]:
        there = ", ".join(standing) or "none"
        raise typer.BadParameter(f"no host of {', '.join(missing)} stands. Standing: {there}")
    if not wanted:
        raise typer.BadParameter("no host stands to measure from. Try: fleet latency baseline --here")
    return {Spot(standing[name].ref.id, name, known[name].place): standing[name].target for name in wanted}


def _measure(context: Context, targets: dict[Spot, Target], plan: Plan, *, baseline: bool, as_json: bool) -> None:
    from fleet.latency.measure import measure as ask
    from fleet.latency.simulated import is_lab
    from infra.first_boot import DEPLOY_PATH

    key = context.vault.ed25519_private(*DEPLOY_PATH)
    simulated = is_lab(context.workspace)
    outcome = ask(targets, key, plan, simulated=simulated, baseline=baseline, progress=progress)
    _tell(context, outcome.runs, dict(outcome.silent), as_json=as_json)
    if outcome.silent:
        raise typer.Exit(1)


def _tell(context: Context, runs: Iterable[Run], silent: dict[str, str], *, as_json: bool) -> None:
    """Keep runs and print them."""
    from fleet.latency.store import write

    configuration = context.configuration
    for host, reason in silent.items():
        progress(host, reason)
    if as_json:
        facts = [_facts(run, configuration, str(write(context.root, run))) for run in runs]
        print_json({"runs": facts, "silent": silent})
        return
    for run in runs:
        path = write(context.root, run)
        show_run(run, configuration, as_json=False)
        print(f"kept: {path}")


def show_run(run: Run, configuration: Configuration, *, as_json: bool) -> None:
    """Print one run."""
    from fleet.latency.simulated import SIMULATED
    from fleet.latency.summary import summaries
    from fleet.latency.text import COLD_COLUMNS, KEPT_COLUMNS, cold_rows, kept_rows, run_sentences

    if as_json:
        print_json(_facts(run, configuration, None))
        return
    found = summaries(run, configuration.venues, configuration.catalogue.places)
    mark = f" - {SIMULATED}" if run.simulated else ""
    print_table(f"From {run.host} ({run.place}){mark}", KEPT_COLUMNS, kept_rows(found))
    if rows := cold_rows(found):
        print_table(f"Each time anew, from {run.host}: medians in ms{mark}", COLD_COLUMNS, rows)
    for sentence in run_sentences(run, found):
        print(sentence)


def _facts(run: Run, configuration: Configuration, file: str | None) -> dict[str, object]:
    from fleet.latency.facts import run_facts
    from fleet.latency.summary import summaries

    return run_facts(run, summaries(run, configuration.venues, configuration.catalogue.places), file)


def _compare(context: Context, venues: list[str] | None, regions: list[str] | None) -> Comparison:
    from fleet.latency.comparison import compare as compare_runs
    from fleet.latency.plan import check_names
    from fleet.latency.store import runs

    configuration = context.configuration
    check_names(configuration.venues, venues or ())
    if unknown := [name for name in regions or () if name not in configuration.fleet.regions]:
        known = ", ".join(configuration.fleet.regions)
        raise typer.BadParameter(f"no region {', '.join(unknown)}. Known: {known}")
    active = {name: [use.venue for use in stack.venues] for name, stack in configuration.stacks.items()}
    return compare_runs(
        runs(context.root), configuration.venues, configuration.catalogue.places, active, venues or (), regions or ()
    )
