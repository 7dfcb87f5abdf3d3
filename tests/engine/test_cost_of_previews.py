"""What previews of the real engine cost: all stacks of the default fleet, and every kind of change."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from fleet.catalogue import load as load_catalogue
from fleet.catalogue.price_reading import load_prices
from fleet.configuration import load
from fleet.cost.changes import Changes, changes
from fleet.cost.engine_preview import preview_plan
from fleet.cost.plan import PreviewUnreadable, read_plan
from fleet.cost.usage import Usage
from fleet.operation.run import up
from tests.cost.conftest import TODAY
from tests.engine.fleet_fixtures import fleet_on_paper

pytestmark = pytest.mark.engine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"
REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")


def test_all_stacks_of_the_default_fleet(tmp_path: Path) -> None:
    home, root = tmp_path / "lab", tmp_path / "project"
    home.mkdir()
    root.mkdir()
    workspace = fleet_on_paper(home, root, REGIONS)
    assert up(workspace, "addresses", lambda stack, line: None).errors == ()
    # None of the regions' stacks is in the backend yet: asking for its cost makes it, as up does.
    plans = [preview_plan(workspace, stack) for stack in ("addresses", *REGIONS)]
    configuration = load(root)
    found = changes(plans, configuration, load_prices(configuration.catalogue), Usage(), TODAY)

    rows = {change.line.row: (change.op, str(change.line.monthly_usd)) for change in found.rows}
    # The same rows and amounts as tests/cost/test_the_default_fleet.py has by hand.
    assert rows == {
        **{f"{region}/address": ("same", "3.00") for region in ("nj", "chi", "tyo")},
        **{f"{region}/address": ("same", "0.00") for region in ("sg", "ldn", "fra")},
        "hub/server": ("same", "30.00"),
        **{f"{region}/server": ("create", "48.00") for region in ("nj", "sg", "chi", "tyo")},
        **{f"{region}/server": ("create", "24.00") for region in ("ldn", "fra")},
    }
    assert found.unpriced == ()
    assert (found.before_usd, found.after_usd) == (Decimal("39.00"), Decimal("279.00"))
    assert found.whole is not None
    assert found.whole.monthly_usd == Decimal("279.00")

    # What the preview fails on is told in the program's own words.
    (root / "Pulumi.nj.yaml").write_text("config: {}\n")
    with pytest.raises(
        PreviewUnreadable, match=r"^stack nj: the preview failed: the fleet's configuration has 1 problem"
    ) as told:
        preview_plan(workspace, "nj")
    assert "a mapping with fleet:hosts" in str(told.value)
    assert "Traceback" not in str(told.value)


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


def test_every_kind_of_change(engine) -> None:
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
