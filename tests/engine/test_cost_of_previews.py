"""What previews of the real engine cost: every kind of change, on the fleet's own stacks and on a small one."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.catalogue import load as load_catalogue
from fleet.catalogue.price_reading import load_prices
from fleet.cost.changes import Changes, changes
from fleet.cost.engine_preview import preview_plan
from fleet.cost.plan import PreviewUnreadable, read_plan
from fleet.cost.usage import Usage
from fleet.operation.run import up
from tests.cost.conftest import TODAY
from tests.engine.fleet_fixtures import create_servers, fleet_on_paper, pulumi
from tests.said import fleet_in

pytestmark = pytest.mark.engine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"
REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")


OURS_AND_THEIRS = """
import ediri_vultr as vultr
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

from stacks.program import declare

class Own(ResourceProvider):
    def create(self, inputs):
        return CreateResult("own", inputs)

class Theirs(Resource, module="someone", name="Theirs"):
    pass

def server(name, plan):
    vultr.Instance(name, plan=plan, region="ewr", os_id=2625, label=name, enable_ipv6=False)

async def ours_and_theirs():
    await declare()
    if pulumi.get_stack() == "fra":
        server("veiled", pulumi.Output.secret("vc2-1c-1gb"))
        server("open", vultr.SSHKey("later", name="later", ssh_key="KEY").id)
        Theirs(Own(), "someones", {})

pulumi.run(ours_and_theirs)
"""
"""The fleet's own program, and beside it what somebody adds to one of its stacks."""


def test_every_kind_of_change_on_all_seven_stacks_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home, root = tmp_path / "lab", tmp_path / "project"
    home.mkdir()
    root.mkdir()
    workspace = fleet_on_paper(home, root, REGIONS)
    fleet = fleet_in(root, monkeypatch, capfd)

    def host(region: str, name: str = "main", **values: Any) -> None:
        file = root / f"Pulumi.{region}.yaml"
        document = yaml.safe_load(file.read_text())
        hosts = document["config"]["fleet:hosts"]
        hosts[name] = {**hosts.get(name, {}), **values}
        if not values:
            del hosts[name]
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    # What stands: three regions, New Jersey with a second server; London, Tokyo and Frankfurt do not.
    host("nj", "spare", provider="vultr", location="ewr", plan="vhp-4c-8gb-amd", index=1)
    assert up(workspace, "addresses", lambda stack, line: None).errors == ()
    for region in ("nj", "sg", "chi"):
        create_servers(workspace, region)

    host("nj", plan="vc2-4c-8gb")
    host("nj", "spare")
    host("sg", plan="s-8vcpu-16gb")
    host("chi", plan="vc2-4c-8gb", generation=2)
    for stack in ("nj", "addresses"):
        assert pulumi(workspace, "state", "unprotect", "--all", "--yes", "--stack", stack).returncode == 0
    (root / "stacks").unlink()
    (root / "stacks").mkdir()
    (root / "stacks" / "__main__.py").write_text(OURS_AND_THEIRS.replace("KEY", KEY))

    said = fleet("cost", "--preview", "--json")
    assert said.code == 0, said.err
    facts = said.facts
    assert {row: what for row, what in changed(facts).items() if what[0] != "same"} == {
        "nj/server": ("update", "48.00", "40.00"),
        "sg/server": ("update", "48.00", "96.00"),
        # Raised generation: the old server goes, the new one has the plan that its file says now.
        "chi/server": ("replace", "48.00", "40.00"),
        "nj-spare/server": ("delete", "48.00", None),
        "nj-spare/address": ("delete", "3.00", None),
        "ldn/server": ("create", None, "24.00"),
        "tyo/server": ("create", None, "48.00"),
        "fra/server": ("create", None, "24.00"),
        "veiled/Instance": ("create", None, None),
        "open/Instance": ("create", None, None),
        "someones/Theirs": ("create", None, None),
    }
    assert {row: what for row, what in changed(facts).items() if what[0] == "same"} == {
        "hub/server": ("same", "30.00", "30.00"),
        **{f"{region}/address": ("same", "3.00", "3.00") for region in ("nj", "chi", "tyo")},
        **{f"{region}/address": ("same", "0.00", "0.00") for region in ("sg", "ldn", "fra")},
    }
    # Before: hub 30, nj 48 + 48, sg 48, chi 48, addresses 4 x 3. Then: -8 +48 -8 -48 -3 +24 +48 +24 = +77.
    assert (facts["before_usd"], facts["after_usd"], facts["difference_usd"]) == ("234.00", "311.00", "77.00")
    assert facts["fleet_monthly_usd"] == "311.00"
    after = [change["after"] for change in facts["changes"] if change["after"] is not None]
    assert {line["row"]: line["rule"] for line in after if not line["priced"]} == {
        "veiled/Instance": "its plan is a secret",
        "open/Instance": "its plan is not known before up",
        "someones/Theirs": "this type of resource is not in any price list here",
    }

    # The same from files that the engine wrote, and the budget is judged with what they change.
    for stack in ("nj", "chi"):
        done = pulumi(workspace, "preview", "--json", "--show-sames", "--stack", stack)
        assert done.returncode == 0, done.stderr
        (root / f"{stack}.json").write_text(done.stdout)
    document = yaml.safe_load((root / "fleet.yaml").read_text())
    document["budgets"] = {"monthly_usd": "310.99", "regions": {"chi": "43.00"}}
    (root / "fleet.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    said = fleet("cost", "--preview", "nj.json", "chi.json")
    assert said.code == 3
    assert "total: USD 144.00 -> 80.00 a month (-64.00), -768.00 a year; 1 update, 1 delete, 1 replace" in said.out
    assert "budget of fleet: 311.00 of 310.99: OVER by 0.01" in said.out
    assert "budget of region chi: 43.00 of 43.00: 0.00 left" in said.out

    # What a preview fails on is told in the program's own words.
    (root / "Pulumi.nj.yaml").write_text("config: {}\n")
    said = fleet("cost", "--preview", "nj.json", "chi.json")
    assert said.code == 2
    assert "Pulumi.nj.yaml" in said.err
    with pytest.raises(
        PreviewUnreadable, match=r"^stack nj: the preview failed: the fleet's configuration has 1 problem"
    ) as told:
        preview_plan(workspace, "nj")
    assert "a mapping with fleet:hosts" in str(told.value)
    assert "Traceback" not in str(told.value)


def changed(facts: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    """Row to what happens to it, and its price before and after."""
    rows = {}
    for change in facts["changes"]:
        before, after = change["before"], change["after"]
        name = (after or before)["row"]
        rows[name] = (change["op"], before and before["monthly_usd"], after and after["monthly_usd"])
    return rows


PROGRAM = """
import ediri_vultr as vultr
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Own(ResourceProvider):
    def create(self, inputs):
        return CreateResult("own", inputs)

class Theirs(Resource, module="someone", name="Theirs"):
    pass

def server(name, plan, region="ewr"):
    return vultr.Instance(name, plan=plan, region=region, os_id=2625, label=name, enable_ipv6=False)
"""

STANDING = (
    PROGRAM
    + """
server("stays", "vc2-1c-1gb")
server("grows", "vc2-1c-1gb")
server("moves", "vc2-1c-1gb")
server("goes", "vc2-4c-8gb")
vultr.ReservedIp("goes", region="ewr", ip_type="v4", label="goes")
"""
)

WANTED = (
    PROGRAM
    + """
stays = server("stays", "vc2-1c-1gb")
server("grows", "vc2-2c-4gb")
server("moves", "vc2-1c-1gb", region="sao")
server("comes", "vhp-4c-8gb-amd")
server("veiled", pulumi.Output.secret("vc2-1c-1gb"))
later = vultr.SSHKey("later", name="later", ssh_key="KEY")
server("open", later.id)

Theirs(Own(), "someones", {})
"""
)


def test_every_kind_of_change_on_a_small_stack(engine) -> None:
    engine.program(STANDING)
    assert engine.up().changes()["created"] == 6
    engine.program(WANTED.replace("KEY", KEY))
    done = engine._run("preview", "--json", "--show-sames")
    assert done.returncode == 0, done.stdout + done.stderr
    found = cost_of(done.stdout)

    rows = {
        change.line.row: (
            change.op,
            str(change.before.monthly_usd) if change.before else None,
            str(change.after.monthly_usd) if change.after else None,
        )
        for change in found.rows
    }
    assert rows == {
        "stays/server": ("same", "5.00", "5.00"),
        "grows/server": ("update", "5.00", "20.00"),
        # Another region replaces the server; there its price is another one.
        "moves/server": ("replace", "5.00", "7.50"),
        "goes/server": ("delete", "40.00", None),
        "goes/address": ("delete", "3.00", None),
        "comes/server": ("create", None, "48.00"),
        "veiled/Instance": ("create", None, "None"),
        "open/Instance": ("create", None, "None"),
        "someones/Theirs": ("create", None, "None"),
    }
    assert found.before_usd == Decimal("58.00")
    assert found.after_usd == Decimal("80.50")
    assert {line.row: line.rule for line in found.unpriced} == {
        "veiled/Instance": "its plan is a secret",
        "open/Instance": "its plan is not known before up",
        "someones/Theirs": "this type of resource is not in any price list here",
    }


def test_a_text_that_was_cut_short_is_one_clear_line(engine) -> None:
    engine.program(STANDING)
    text = engine._run("preview", "--json", "--show-sames").stdout
    with pytest.raises(PreviewUnreadable, match=r"^plan\.json: is no JSON, or cut short"):
        read_plan(text[: len(text) // 2], "plan.json")
    whole = json.loads(text)
    del whole["steps"][0]["urn"]
    with pytest.raises(PreviewUnreadable, match="its step 0 is none"):
        read_plan(json.dumps(whole), "plan.json")


def cost_of(text: str) -> Changes:
    return changes([read_plan(text, "preview")], None, load_prices(load_catalogue()), Usage(), TODAY)
