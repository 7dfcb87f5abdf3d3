"""The default fleet to the cent, priced by hand.

| region | server                            | USD a month | static address             | USD a month |
|--------|-----------------------------------|------------:|----------------------------|------------:|
| hub    | stands, stated in its stack file  |       30.00 | its own                    |           - |
| nj     | Vultr vhp-4c-8gb-amd              |       48.00 | Vultr, reserved IPv4       |        3.00 |
| sg     | DigitalOcean s-4vcpu-8gb          |       48.00 | DigitalOcean, assigned     |        0.00 |
| ldn    | DigitalOcean s-2vcpu-4gb          |       24.00 | DigitalOcean, assigned     |        0.00 |
| chi    | Vultr vhp-4c-8gb-amd              |       48.00 | Vultr, reserved IPv4       |        3.00 |
| tyo    | Vultr vhp-4c-8gb-amd              |       48.00 | Vultr, reserved IPv4       |        3.00 |
| fra    | DigitalOcean s-2vcpu-4gb          |       24.00 | DigitalOcean, assigned     |        0.00 |
|        | 30 + 48 + 48 + 24 + 48 + 48 + 24  |      270.00 | 3 + 0 + 0 + 3 + 3 + 0      |        9.00 |

270.00 + 9.00 = 279.00 a month, x 12 = 3,348.00 a year.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration, load
from fleet.cost.answer import Answer, answer
from fleet.cost.estimate import estimate
from fleet.cost.things import Server, StaticAddress
from fleet.cost.usage import Usage
from tests.cost.conftest import ROOT, TODAY, Folder


def asked(default: Configuration, *stacks: str, today: date = TODAY) -> Answer:
    return answer(ROOT, default, stacks, None, today)


def test_every_row_to_the_cent(default: Configuration) -> None:
    rows = {line.row: str(line.monthly_usd) for line in asked(default).shown.lines}
    assert rows == {
        "hub/server": "30.00",
        "nj/server": "48.00",
        "nj/address": "3.00",
        "sg/server": "48.00",
        "sg/address": "0.00",
        "ldn/server": "24.00",
        "ldn/address": "0.00",
        "chi/server": "48.00",
        "chi/address": "3.00",
        "tyo/server": "48.00",
        "tyo/address": "3.00",
        "fra/server": "24.00",
        "fra/address": "0.00",
    }


def test_sums_by_stack_region_month_and_year(default: Configuration) -> None:
    shown = asked(default).shown
    assert shown.monthly_usd == Decimal("279.00")
    assert shown.yearly_usd == Decimal("3348.00")
    assert shown.by_stack()["addresses"] == Decimal("9.00")
    assert shown.by_stack()["nj"] == Decimal("48.00")
    # A region's address is in another stack, and still the region's cost.
    assert shown.by_region()["nj"] == Decimal("51.00")
    assert sum(shown.by_stack().values()) == sum(shown.by_region().values()) == shown.monthly_usd


def test_a_part_of_the_fleet_has_its_addresses_and_is_judged_within_the_whole(default: Configuration) -> None:
    found = asked(default, "nj", "sg")
    assert {line.row for line in found.shown.lines} == {"nj/server", "nj/address", "sg/server", "sg/address"}
    assert found.shown.monthly_usd == Decimal("99.00")
    assert [(verdict.name, verdict.monthly_usd) for verdict in found.verdicts] == [("fleet", Decimal("279.00"))]


def test_every_price_says_where_it_is_from(default: Configuration) -> None:
    assert all(line.origin is not None and line.rule for line in asked(default).shown.lines)


def test_old_prices_are_told_and_fresh_ones_are_not(default: Configuration) -> None:
    assert asked(default).shown.stale() == ()
    read = date(2026, 10, 9)
    assert asked(default, today=read + timedelta(days=60)).shown.stale() == ()
    told = asked(default, today=read + timedelta(days=61)).shown.stale()
    assert any(line.startswith("3 prices of vultr are 61 days old") for line in told)


def test_unpriced_is_shown_counted_and_in_no_sum(folder: Folder) -> None:
    # In Sao Paulo Vultr has prices of its own, of which one is known.
    folder.edit("fleet.yaml", lambda fleet: fleet["regions"]["chi"].update(place="sao-paulo"))
    folder.host("chi", provider="vultr", location="sao", plan="vhp-4c-8gb-amd")
    shown = folder.answer().shown
    assert [(line.row, line.rule) for line in shown.unpriced] == [
        ("chi/server", "the price of vhp-4c-8gb-amd in sao is not known")
    ]
    assert shown.monthly_usd == Decimal("279.00") - Decimal("48.00")


def test_a_location_with_a_price_of_its_own(prices: PriceList) -> None:
    def month(location: str) -> Decimal:
        things = [
            Server("s", "s", "s", "vultr", location, "vc2-1c-1gb"),
            StaticAddress("s", "s", "s", "vultr", location),
        ]
        return estimate(things, prices, Usage(), TODAY).monthly_usd

    assert month("ewr") == Decimal("5.00") + Decimal("3.00")
    assert month("sao") == Decimal("7.50") + Decimal("3.00")


def test_ec2_bills_hours_disk_and_address_apart(folder: Folder) -> None:
    # c7i.xlarge 0.1785 x 730 = 130.305 -> 130.31; 8 GB x 0.08 = 0.64; address 0.005 x 730 = 3.65: 134.60.
    folder.host("nj", provider="aws", service="ec2", location="us-east-1", plan="c7i.xlarge")
    shown = folder.answer("nj").shown
    assert {line.row: str(line.monthly_usd) for line in shown.lines} == {
        "nj/server": "130.31",
        "nj/disk": "0.64",
        "nj/address": "3.65",
    }
    assert shown.monthly_usd == Decimal("134.60")


def test_a_spot_server_costs_its_spot_price_and_is_unpriced_where_none_is_known(folder: Folder) -> None:
    def spot(plan: str) -> None:
        values = {"provider": "aws", "service": "ec2", "location": "us-east-1", "plan": plan, "spot": True, "index": 1}
        folder.edit("Pulumi.nj.yaml", lambda stack: stack["config"]["fleet:hosts"].update(backtest=values))

    def exported() -> Decimal | None:
        configuration = load(folder.root)
        return configuration.monthly_usd(next(ref for ref in configuration.hosts() if ref.id == "nj-backtest"))

    spot("c7i.xlarge")
    # 0.0513 x 730 = 37.449
    rows = {line.row: line.monthly_usd for line in folder.answer("nj").shown.lines}
    assert rows["nj-backtest/server"] == Decimal("37.45")
    assert exported() == Decimal("37.449"), "what the stack exports"
    spot("t3.large")
    assert exported() is None
    assert [line.row for line in folder.answer("nj").shown.unpriced] == ["nj-backtest/server"]


def test_a_phases_budget_is_of_all_its_regions(folder: Folder) -> None:
    def together(fleet: dict[str, Any]) -> None:
        fleet["regions"]["sg"]["phase"] = 1
        fleet["budgets"] = {"phases": {"1": "98.99", "3": "24.00"}}

    folder.edit("fleet.yaml", together)
    # nj 51 + sg 48 = 99; ldn 24.
    assert [str(verdict) for verdict in folder.answer().verdicts] == [
        "budget of phase 1: 99.00 of 98.99: OVER by 0.01",
        "budget of phase 3: 24.00 of 24.00: 0.00 left",
    ]
    assert [verdict.name for verdict in folder.answer("ldn").verdicts] == ["phase 3"]


def test_a_budget_of_a_phase_that_nobody_is_in_is_a_problem(fleet, folder: Folder) -> None:
    folder.edit("fleet.yaml", lambda document: document.update(budgets={"phases": {"9": "1"}}))
    said = fleet("cost")
    assert said.code == 2
    assert "budgets.phases.9: '9' is the phase of no region" in said.err


def test_budgets_of_fleet_and_region(folder: Folder) -> None:
    def budgets(monthly: str, nj: str) -> list[tuple[str, str, bool]]:
        folder.edit("fleet.yaml", lambda fleet: fleet.update(budgets={"monthly_usd": monthly, "regions": {"nj": nj}}))
        return [(verdict.name, str(verdict.left_usd), verdict.over) for verdict in folder.answer().verdicts]

    assert budgets("279.00", "51.00") == [("fleet", "0.00", False), ("region nj", "0.00", False)]
    assert budgets("278.99", "50.99") == [("fleet", "-0.01", True), ("region nj", "-0.01", True)]
