"""What stands beside the engine's diff: money before and after, and the venues that an added region brings closer.

``tests/engine/test_fleet_previews.py`` has the engine's own events.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.round_trips import load_round_trips
from fleet.catalogue.venue_sites import load_sites, load_venue_list
from fleet.configuration import Configuration, load
from fleet.cost.engine_events import plan_of_events
from fleet.cost.plan import Plan, PreviewUnreadable, read_plan
from fleet.latency.known import Known
from fleet.placement.gains import gains
from fleet.preview.facts import outlook_facts
from fleet.preview.outlook import HOST, Outlook, outlook
from fleet.preview.text import closer_lines, closer_rows, closer_title, cost_lines
from infra.host import BaseHost

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 23)
ROOT = Path(__file__).parents[2]
SERVER = "vultr:index/instance:Instance"
NJ = {"plan": "vhp-4c-8gb-amd", "region": "ewr"}


@pytest.fixture(scope="module")
def default() -> Configuration:
    return load(ROOT)


def event(op: str, kind: str, name: str, old: Any = None, new: Any = None, stack: str = "nj") -> EngineEvent:
    """As the engine sends one: what is false is left out."""
    urn = f"urn:pulumi:{stack}::fleet::fleet:servers:Vultr${kind}::{name}"
    custom = {} if kind.startswith("fleet:") else {"custom": True}
    sides = {
        side: {"type": kind, "urn": urn, "id": "", "parent": "", "provider": "", **custom, "inputs": inputs}
        for side, inputs in (("old", old), ("new", new))
        if inputs is not None
    }
    step = {"op": op, "urn": urn, "type": kind, "provider": "", **sides}
    return EngineEvent.from_json(
        {"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": step, "planning": True}}
    )


def opens(stack: str, server: dict[str, str]) -> Plan:
    """A region's preview before it has anything."""
    events = [
        event("create", "fleet:servers:Vultr", stack, new={}, stack=stack),
        event("create", SERVER, stack, new=server, stack=stack),
        event("create", HOST, stack, new={"host": stack}, stack=stack),
    ]
    return plan_of_events(stack, events)


def stays(stack: str, server: dict[str, str]) -> Plan:
    events = [event("same", SERVER, stack, server, server, stack), event("same", HOST, stack, {}, {}, stack)]
    return plan_of_events(stack, events)


def looked(default: Configuration, plans: Sequence[Plan], *asked: str) -> Outlook:
    prices = load_prices(default.catalogue)
    return outlook(plans, asked or [plan.stack for plan in plans], default, prices, TODAY)


def only_open(default: Configuration, *regions: str) -> Configuration:
    return replace(default, addresses=default.addresses.model_copy(update={"regions": regions}))


def test_the_resource_that_tells_a_host_is_the_one_that_hosts_have() -> None:
    assert f"pulumi-python:dynamic/infra:{BaseHost.__name__}" == HOST


def test_events_are_the_same_plan_as_the_text_for_programs() -> None:
    events = [
        EngineEvent.from_json({"sequence": 0, "timestamp": 1, "preludeEvent": {"config": {"aws:region": "us-east-1"}}}),
        event("same", SERVER, "stays", NJ, NJ),
        event("read", SERVER, "seen", new=NJ),
        event("create-replacement", SERVER, "moves", NJ, {**NJ, "region": "ord"}),
        event("replace", SERVER, "moves", NJ, {**NJ, "region": "ord"}),
        event("delete-replaced", SERVER, "moves", NJ),
        event("delete", SERVER, "goes", NJ),
    ]
    steps = []
    for one in events[1:]:
        told = one.resource_pre_event
        assert told is not None
        sides = {"oldState": told.metadata.old, "newState": told.metadata.new}
        states = {side: {"custom": True, "inputs": state.inputs} for side, state in sides.items() if state}
        steps.append({"op": told.metadata.op.value, "urn": told.metadata.urn, **states})
    text = json.dumps({"config": {"aws:region": "us-east-1"}, "steps": steps})

    assert plan_of_events("nj", events) == read_plan(text, "plan.json")
    assert [(step.op, step.name) for step in plan_of_events("nj", events).steps] == [
        ("same", "stays"),
        ("replace", "moves"),
        ("delete", "goes"),
    ]


def test_an_event_of_another_shape_is_one_clear_line() -> None:
    nameless = event("create", SERVER, "nj", new=NJ)
    assert nameless.resource_pre_event is not None
    nameless.resource_pre_event.metadata.urn = "nj"
    with pytest.raises(PreviewUnreadable, match="stack nj: its step 0 is none"):
        plan_of_events("nj", [nameless])


def test_a_region_that_comes_stands_with_its_price_and_its_venues(default: Configuration) -> None:
    found = looked(only_open(default, "nj"), [opens("nj", NJ)])

    assert (found.added, found.standing) == (("nj",), ("hub",))
    said = cost_lines(found)
    assert said[0] == "total: USD 0.00 -> 48.00 a month (+48.00), +576.00 a year; 1 create"
    assert any(line.startswith("budget of fleet: 279.00 of 335.00: 56.00 left") for line in said)
    assert closer_title(found) == "Closer than from hub, with nj"
    rows = {row[1]: row for row in closer_rows(found)}
    # New Jersey is 6 ms from Virginia by its neighbour's row; the hub's 55 ms are published.
    assert rows["alpaca"] == ("nj", "alpaca", "virginia", "active", "55", "hub", "6", "published -> estimate")
    # Nearer to London than Mexico City is, but no venue of its own there.
    assert rows["kraken"][3:7] == ("no", "127", "hub", "84")
    # The first of them gains the most.
    gained = [float(row[4]) - float(row[6]) for row in closer_rows(found)]
    assert gained == sorted(gained, reverse=True)


def test_what_was_measured_takes_the_place_of_an_estimate_and_is_said_to_be_measured(default: Configuration) -> None:
    measured = {("new-jersey", "alpaca"): Known(9.5, "warm", TODAY, simulated=False)}
    configuration, prices = only_open(default, "nj"), load_prices(default.catalogue)
    found = outlook([opens("nj", NJ)], ["nj"], configuration, prices, TODAY, measured)
    rows = {row[1]: row for row in closer_rows(found)}
    assert rows["alpaca"][4:] == ("55", "hub", "9.5", "published -> measured")
    assert rows["coinbase"][4:] == ("55", "hub", "6", "published -> estimate")


def test_what_a_venue_refuses_does_not_bring_it_closer(default: Configuration) -> None:
    found = looked(only_open(default, "nj"), [opens("nj", NJ)])
    refused = {site.name for site in load_sites() if site.refusal_at("new-jersey")}
    assert {"binance", "bybit"} <= refused
    assert not refused & {row.gain.site for row in found.closer}


def test_a_venue_counts_for_the_nearest_of_several_regions_that_come(default: Configuration) -> None:
    places = {"hub": "cdmx", "nj": "new-jersey", "ldn": "london"}
    alone = {gain.site: gain.region for gain in gains(places, ["hub"], ["nj"], default.venues)}
    both = {gain.site: gain.region for gain in gains(places, ["hub"], ["nj", "ldn"], default.venues)}
    assert alone["kraken"] == "nj"
    assert both["kraken"] == "ldn"
    assert both["alpaca"] == "nj"


def test_every_gain_is_shorter_than_from_all_that_stand() -> None:
    trips = load_round_trips()
    places = {"hub": "cdmx", "sg": "singapore", "tyo": "tokyo", "chi": "chicago"}
    found = gains(places, ["hub", "sg"], ["tyo", "chi"], load_venue_list())
    assert {gain.region for gain in found} == {"tyo", "chi"}
    sites = {site.name: site for site in load_sites()}
    for gain in found:
        site = sites[gain.site]
        assert gain.ms == trips.between(places[gain.region], site.place).ms
        for name in ("hub", "sg"):
            if not site.refusal_at(places[name]):
                assert trips.between(places[name], site.place).ms > gain.ms


def test_nothing_comes_closer_by_a_region_that_stands(default: Configuration) -> None:
    found = looked(default, [stays("nj", NJ)])
    assert (found.added, found.closer) == ((), ())
    assert "nj" in found.standing
    assert list(closer_lines(found)) == []
    assert (found.changes.before_usd, found.changes.after_usd) == (48, 48)


def test_what_is_open_and_not_asked_for_stands_and_what_failed_is_in_no_sum(default: Configuration) -> None:
    found = looked(only_open(default, "nj", "sg", "ldn"), [opens("nj", NJ)], "nj", "ldn")
    assert found.standing == ("hub", "sg")
    assert found.not_counted == ("ldn",)
    assert cost_lines(found)[-1] == "not in these sums: ldn (no preview that ended well)"


def test_a_region_beside_another_brings_nothing_closer(default: Configuration) -> None:
    """Frankfurt beside London: the venues of both are in London."""
    found = looked(only_open(default, "ldn", "fra"), [opens("fra", {"plan": "s-2vcpu-4gb", "region": "fra1"})])
    assert found.closer == ()
    assert list(closer_lines(found)) == ["fra: no venue gets closer by it than from hub, ldn"]


def test_budgets_of_a_region_and_of_a_phase_say_what_is_left(default: Configuration) -> None:
    budgets = default.fleet.budgets.model_copy(update={"regions": {"nj": Decimal(50)}, "phases": {"1": Decimal(60)}})
    limited = replace(default, fleet=default.fleet.model_copy(update={"budgets": budgets}))
    said = cost_lines(looked(limited, [opens("nj", NJ)]))
    # The server is 48.00, its address 3.00.
    assert "budget of region nj: 51.00 of 50.00: OVER by 1.00" in said
    assert "budget of phase 1: 51.00 of 60.00: 9.00 left" in said


def test_facts_are_the_same_for_programs(default: Configuration) -> None:
    facts = json.loads(json.dumps(outlook_facts(looked(only_open(default, "nj"), [opens("nj", NJ)]))))
    assert facts["cost"]["difference_usd"] == "48.00"
    assert facts["added"] == ["nj"]
    alpaca = next(row for row in facts["closer"] if row["venue"] == "alpaca")
    assert alpaca == {
        "region": "nj",
        "venue": "alpaca",
        "hosted_in": "virginia",
        "mode": "active",
        "before_from": "hub",
        "before_ms": 55.0,
        "before_basis": "published",
        "ms": 6.0,
        "basis": "estimate",
    }
