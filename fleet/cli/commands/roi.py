"""``fleet roi``: from how many trades a month on the milliseconds are worth their price."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.age import tell_age
from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.roi.break_even import Loss
    from fleet.roi.scenarios import Held


def roi(
    loss: Annotated[str, typer.Option(metavar="USD[..USD]", help="What you lose on a trade for 100 ms; unset.")] = "",
    trades: Annotated[int | None, typer.Option(help="Your trades a month.")] = None,
    cost: Annotated[str, typer.Option(metavar="USD", help="A month; default: all regions but the hub.")] = "",
    saved: Annotated[str, typer.Option(metavar="MS", help="Saved on each trade; default: the mean by estimates.")] = "",
    json: Json = False,
    root: Root = None,
) -> None:
    """From how many trades a month on the fleet is worth its price.

    Without your own loss per trade: what it would have to be.
    """
    from fleet.roi.break_even import break_even, gain, needed_usd
    from fleet.roi.scenarios import ASSUMPTIONS, hold, load_scenarios

    monthly_usd = _number(cost, "--cost") if cost else None
    saved_ms = _number(saved, "--saved") if saved else None
    basis = "as given"
    if monthly_usd is None or saved_ms is None:
        own_usd, own_ms, known_by = _of_the_fleet(Context(root))
        basis = f"{known_by}: mean round trip to all venues, from every region of fleet.yaml against from the hub alone"
        monthly_usd = own_usd if monthly_usd is None else monthly_usd
        saved_ms = own_ms if saved_ms is None else saved_ms
    needed = needed_usd(monthly_usd, saved_ms)
    range_ = _loss(loss) if loss else None
    found = break_even(monthly_usd, saved_ms, range_) if range_ else None
    left = gain(monthly_usd, saved_ms, range_, trades) if range_ and trades is not None else None
    scenarios = [hold(scenario, monthly_usd) for scenario in load_scenarios()]
    if json:
        print_json(
            {
                "monthly_usd": str(monthly_usd),
                "saved_ms": str(saved_ms),
                "saved_ms_is": basis,
                "loss_usd_per_trade_and_100_ms": [str(range_.low_usd), str(range_.high_usd)] if range_ else None,
                "trades_times_loss_needed_usd": f"{needed:.2f}",
                "break_even_trades": [found.at_high, found.at_low] if found else None,
                "trades": trades,
                "gain_usd": [f"{left.low_usd:.2f}", f"{left.high_usd:.2f}"] if left else None,
                "specification": {
                    "assumptions": list(ASSUMPTIONS),
                    "scenarios": [_facts(row) for row in scenarios],
                },
            }
        )
        return
    print(f"cost beyond the hub: USD {monthly_usd:,.2f} a month; saved: {saved_ms} ms a round trip ({basis})")
    if found is None:
        print(f"worth it where trades a month x your loss per trade and 100 ms is above USD {needed:,.2f}")
        print("your loss per trade and 100 ms is not set (--loss USD or --loss USD..USD): nobody can know it for you")
    elif found.at_low == found.at_high:
        print(f"break-even: {found.at_low:,} trades a month")
    else:
        print(f"break-even: {found.at_high:,} to {found.at_low:,} trades a month")
    if left is not None:
        print(f"{trades:,} trades a month leave USD {left.low_usd:,.2f} to {left.high_usd:,.2f} after the cost")
    elif trades is not None:
        worth = f"{needed / trades:,.4f}" if trades > 0 else "any amount"
        print(f"with {trades:,} trades a month it is worth it from a loss of USD {worth} per trade and 100 ms")
    print_table(
        "The specification's scenarios, as examples",
        ("scenario", "trades a month", "claimed loss, USD a month", "left after this cost", "claimed verdict"),
        [
            (
                row.scenario.name,
                _range(row.trades_a_month),
                _range(row.scenario.monthly_loss_usd),
                " to ".join(f"{usd:,.2f}" for usd in row.left_usd),
                row.scenario.verdict,
            )
            for row in scenarios
        ],
    )
    print("they assume:")
    for assumption in ASSUMPTIONS:
        print(f"- {assumption}")


def _of_the_fleet(context: Context) -> tuple[Decimal, Decimal, str]:
    """USD a month, ms saved, and what the latter is."""
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.catalogue.round_trips import Basis
    from fleet.latency.known import known
    from fleet.placement.answer import as_configured
    from fleet.placement.question import Question

    prices = load_prices(context.configuration.catalogue, context.root / FOLDER)
    measured = known(context.root, context.configuration.venues, prices.catalogue.places)
    tell_age(prices, context.configuration.services(), context.configuration.venues.trips)
    rows = as_configured(Question(measured=measured), context.configuration, prices)
    hub, whole = rows.hub_alone, rows.configured
    used = [number for plan in (hub, whole) for number in enumerate(plan.served_from)]
    bases = {rows.asked.problem.reaches[number][column].basis for column, number in used}
    known_by = "in part measured, else an estimate" if Basis.MEASURED in bases else "an estimate"
    return whole.monthly_usd - hub.monthly_usd, Decimal(f"{hub.score_ms - whole.score_ms:.1f}"), known_by


def _loss(text: str) -> Loss:
    from fleet.roi.break_even import Loss

    low, _, high = text.partition("..")
    return Loss(_number(low, "--loss"), _number(high or low, "--loss"))


def _number(text: str, option: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise typer.BadParameter(f"'{text}' is not a number", param_hint=option)
    return number


def _range(values: tuple[Decimal, Decimal]) -> str:
    low, high = values
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def _facts(row: Held) -> dict[str, object]:
    return {
        "name": row.scenario.name,
        "trades_a_month": [str(number) for number in row.trades_a_month],
        "claimed_loss_usd": [str(usd) for usd in row.scenario.monthly_loss_usd],
        "left_usd": [str(usd) for usd in row.left_usd],
        "claimed_verdict": row.scenario.verdict,
        "source": row.scenario.source,
    }
