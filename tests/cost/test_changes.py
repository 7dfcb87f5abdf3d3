"""Previews read from files: each provider's resources, and what cannot be read.

``tests/engine/test_cost_of_previews.py`` has the engine's own.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.changes import Changes, changes
from fleet.cost.gate import Resource, violations
from fleet.cost.plan import PreviewUnreadable, read_plan
from fleet.cost.resources import UNKNOWN
from fleet.cost.usage import Usage
from tests.cost.conftest import TODAY, Folder


def step(op: str, kind: str, name: str, old: Any = None, new: Any = None, stack: str = "nj") -> dict[str, Any]:
    """As the engine writes one."""

    def state(inputs: Any) -> Any:
        return {"type": kind, "custom": True, "inputs": inputs}

    sides = {"oldState": old, "newState": new}
    urn = f"urn:pulumi:{stack}::fleet::fleet:servers:Any${kind}::{name}"
    return {"op": op, "urn": urn, **{key: state(value) for key, value in sides.items() if value is not None}}


def preview(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"config": {}, "steps": list(steps), "duration": 1, "changeSummary": {}} | more)


def priced(prices: PriceList, text: str, configuration: Configuration | None = None) -> Changes:
    return changes([read_plan(text, "plan.json")], configuration, prices, Usage(), TODAY)


VULTR, DROPLET = "vultr:index/instance:Instance", "digitalocean:index/droplet:Droplet"
EC2, LIGHTSAIL = "aws:ec2/instance:Instance", "aws:lightsail/instance:Instance"
CHECK = "aws:route53/healthCheck:HealthCheck"


@pytest.mark.parametrize(
    ("kind", "inputs", "rows"),
    [
        (VULTR, {"plan": "vhp-4c-8gb-amd", "region": "ewr"}, {"x/server": "48.00"}),
        # 20 % more with backups: 9.60.
        (
            VULTR,
            {"plan": "vhp-4c-8gb-amd", "region": "ewr", "backups": "enabled"},
            {"x/server": "48.00", "x/backups": "9.60"},
        ),
        # What they cost at DigitalOcean is in no row: loud, not free.
        (
            DROPLET,
            {"size": "s-4vcpu-8gb", "region": "sgp1", "backups": True},
            {"x/server": "48.00", "x/backups": None},
        ),
        (LIGHTSAIL, {"bundleId": "large_3_0", "availabilityZone": "ap-northeast-1a"}, {"x/server": "44.00"}),
        (
            EC2,
            {"instanceType": "t3.medium", "region": "us-east-1", "rootBlockDevice": {"volumeSize": 50}},
            # 0.0416 x 730 = 30.368; 50 x 0.08
            {"x/server": "30.37", "x/disk": "4.00"},
        ),
        (
            EC2,
            {
                "instanceType": "c7i.xlarge",
                "region": "us-east-1",
                "instanceMarketOptions": {"marketType": "spot"},
            },
            {"x/server": "37.45", "x/disk": "0.64"},
        ),
        (EC2, {"instanceType": "t3.medium"}, {"x/Instance": None}),
        (VULTR, {"plan": UNKNOWN, "region": "ewr"}, {"x/Instance": None}),
        (VULTR, {"plan": "vhp-4c-8gb-amd", "region": "[secret]"}, {"x/Instance": None}),
        (VULTR, {"plan": "no-such-plan", "region": "ewr"}, {"x/server": None}),
        (VULTR, {"plan": ["vhp-4c-8gb-amd"], "region": "ewr"}, {"x/Instance": None}),
        ("aws:ec2/eip:Eip", {"region": "us-east-1"}, {"x/address": "3.65"}),
        ("aws:lightsail/staticIp:StaticIp", {"region": "us-east-1"}, {"x/address": "0.00"}),
        ("aws:route53/zone:Zone", {}, {"x/zone": "0.50"}),
        (CHECK, {"type": "TCP", "requestInterval": 30}, {"x/check": "0.75"}),
        (CHECK, {"type": "HTTPS_STR_MATCH", "requestInterval": 10, "measureLatency": True}, {"x/check": "8.75"}),
        (CHECK, {"type": "CALCULATED"}, {"x/HealthCheck": None}),
        ("aws:route53/record:Record", {"name": "a"}, {}),
        ("vultr:index/firewallRule:FirewallRule", {}, {}),
        ("aws:rds/instance:Instance", {}, {"x/Instance": None}),
        ("pulumi-python:someone:Theirs", {}, {"x/Theirs": None}),
        ("pulumi-python:dynamic/infra:BaseHost", {}, {}),
    ],
)
def test_each_kind_of_resource(prices: PriceList, kind: str, inputs: Any, rows: dict[str, str | None]) -> None:
    found = priced(prices, preview(step("create", kind, "x", new=inputs)))
    amounts = {change.line.row: change.line.monthly_usd for change in found.rows}
    assert {row: None if usd is None else str(usd) for row, usd in amounts.items()} == rows


def test_a_region_of_the_stacks_own_configuration_holds_where_a_resource_names_none(prices: PriceList) -> None:
    text = preview(step("create", EC2, "x", new={"instanceType": "t3.medium"}), config={"aws:region": "us-east-1"})
    assert priced(prices, text).rows[0].line.monthly_usd == Decimal("30.37")


def test_a_replacement_in_two_halves_counts_once(prices: PriceList) -> None:
    old, new = {"plan": "vc2-1c-1gb", "region": "ewr"}, {"plan": "vc2-1c-1gb", "region": "ord"}
    whole = [step("replace", VULTR, "x", old, new)]
    halves = [step("create-replacement", VULTR, "x", old, new), step("delete-replaced", VULTR, "x", old)]
    for steps in (whole, halves, [*halves, *whole]):
        found = priced(prices, preview(*steps))
        assert (found.before_usd, found.after_usd) == (Decimal("5.00"), Decimal("5.00")), steps


def test_what_is_only_read_costs_nothing(prices: PriceList) -> None:
    assert priced(prices, preview(step("read", VULTR, "x", new={}), step("same", "a:b:C", "y", {}, {}))).before_usd == 0


def test_the_fleets_budget_is_judged_with_the_change(prices: PriceList, default: Configuration) -> None:
    new = {"plan": "voc-g-4c-16gb-80s-amd", "region": "ewr"}
    found = priced(prices, preview(step("create", VULTR, "nj", new=new)), default)
    # 279 - 48 + 120: over the 335 of fleet.yaml.
    assert found.whole is not None
    assert found.whole.monthly_usd == Decimal("351.00")
    assert found.over_budget


UNREADABLE = [
    ("", "is no JSON, or cut short"),
    (preview(step("create", VULTR, "x", new={}))[:-9], "is no JSON, or cut short"),
    ("[]", "is no preview of the engine"),
    ("{}", "has no steps"),
    ('{"steps": 7}', "is no preview of the engine"),
    ('{"steps": [7]}', "its step 0 is none"),
    ('{"steps": [{"op": "create", "urn": "nj"}]}', "its step 0 is none"),
    (preview(step("create", VULTR, "x", new={}), step("create", VULTR, "x", new={}, stack="sg")), "of 2 stacks"),
    (
        preview(step("create", VULTR, "x", new={}), changeSummary={"create": 1, "same": 12}),
        "leaves out the 12 resources that stay as they are",
    ),
    (
        preview(diagnostics=[{"severity": "error", "message": "error: no room"}]),
        "the preview failed: no room",
    ),
]


@pytest.mark.parametrize(("text", "told"), UNREADABLE)
def test_what_is_no_preview_is_one_clear_line(fleet, folder: Folder, text: str, told: str) -> None:
    with pytest.raises(PreviewUnreadable, match=r"plan\.json: "):
        read_plan(text, "plan.json")
    folder.write("plan.json", text)
    said = fleet("cost", "--preview", "plan.json")
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words", [("--html", "page.html"), ("--explain", "nj/server"), ("--alternatives",), ("--compare-spec",)]
)
def test_what_a_preview_does_not_take_is_refused(fleet, folder: Folder, words: tuple[str, ...]) -> None:
    folder.write("plan.json", preview(step("create", VULTR, "nj", new={"plan": "vhp-4c-8gb-amd", "region": "ewr"})))
    said = fleet("cost", "--preview", "plan.json", *words)
    assert said.code == 2
    assert f"{words[0]} cannot be with --preview" in " ".join(said.err.split())
    assert not (folder.root / "page.html").exists()


def test_what_goes_without_a_known_price_is_counted_too(prices: PriceList) -> None:
    found = priced(prices, preview(step("delete", "aws:rds/instance:Instance", "db", old={})))
    assert [line.row for line in found.unpriced] == ["db/Instance"]


def test_a_file_is_read_by_the_command_also_outside_a_fleet(fleet, folder: Folder, tmp_path: Path) -> None:
    text = preview(
        step("create", VULTR, "nj", new={"plan": "vhp-4c-8gb-amd", "region": "ewr"}),
        step("delete", "vultr:index/reservedIp:ReservedIp", "old", old={"region": "ewr"}),
        step("create", "aws:rds/instance:Instance", "db", new={}),
    )
    folder.write("plan.json", text)
    said = fleet("cost", "--preview", "plan.json")
    assert said.code == 0, said.err
    assert "total: USD 3.00 -> 48.00 a month (+45.00), +540.00 a year; 2 create, 1 delete" in said.out
    assert "UNPRICED: 1, in no sum: db/Instance (this type of resource is not in any price list here)" in said.out
    assert "budget of fleet: " in said.out

    facts = json.loads(fleet("cost", "--preview", "plan.json", "--json").out)
    assert (facts["before_usd"], facts["after_usd"], facts["difference_usd"]) == ("3.00", "48.00", "45.00")
    assert facts["unpriced"] == 1
    assert "| create | nj/server |" in fleet("cost", "--preview", "plan.json", "--markdown").out
    assert fleet("cost", "--preview", "plan.json", "--strict").code == 1

    for file in folder.root.glob("*.yaml"):
        file.unlink()
    outside = fleet("cost", "--preview", "plan.json")
    assert outside.code == 0, outside.err
    assert "total: USD 3.00 -> 48.00 a month" in outside.out
    assert "budget" not in outside.out


def test_the_gate_names_budgets_that_are_exceeded_and_what_has_no_price(
    prices: PriceList, default: Configuration
) -> None:
    def told(*resources: Resource) -> list[tuple[str, str]]:
        return [(found.policy, found.message) for found in violations("nj", resources, {}, default, prices, TODAY)]

    server = Resource("urn:nj", VULTR, "nj", {"plan": "vhp-4c-8gb-amd", "region": "ewr"})
    assert told(server) == []
    large = Resource("urn:nj", VULTR, "nj", {"plan": "voc-g-4c-16gb-80s-amd", "region": "ewr"})
    [(policy, message)] = told(large)
    assert policy == "budget"
    assert message.startswith("budget of fleet: 351.00 of 335.00: OVER by 16.00.")
    [(policy, message)] = told(server, Resource("urn:db", "aws:rds/instance:Instance", "db", {}))
    assert (policy, message) == (
        "priced",
        "db/Instance is in no sum: this type of resource is not in any price list here",
    )


def test_the_gate_reads_where_a_server_is_as_a_preview_does(prices: PriceList, default: Configuration) -> None:
    spare = Resource("urn:spare", EC2, "spare", {"instanceType": "t3.medium"})
    [unsaid] = violations("nj", [spare], {}, default, prices, TODAY)
    assert unsaid.message == "spare/Instance is in no sum: its region is not said"
    assert violations("nj", [spare], {"aws:region": "us-east-1"}, default, prices, TODAY) == ()
