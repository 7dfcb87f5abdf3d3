"""The policy pack in plain runs of the engine: over a budget nothing is brought up, and the text says by how much.

It judges by the same prices, rules and inputs as ``fleet cost --preview``, which is asked beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.operation.run import up
from fleet.workspace import Workspace
from lab.cloud.inventory import servers
from tests.engine.fleet_fixtures import fleet_on_paper, pulumi
from tests.said import Fleet, fleet_in

pytestmark = pytest.mark.engine

PACK = Path(__file__).parents[2] / "policy" / "fleet-policy"

OURS_AND_A_SPARE = """
import pulumi
import pulumi_aws as aws

from stacks.program import declare

async def ours_and_a_spare():
    await declare()
    if pulumi.get_stack() == "nj":
        # As many write it: where it is, the stack's config says.
        aws.ec2.Instance("spare", ami="ami-0123456789abcdef0", instance_type="t3.medium")

pulumi.run(ours_and_a_spare)
"""


@dataclass(frozen=True)
class Paper:
    """A fleet of hub, New Jersey and Singapore on paper, of which the addresses are reserved."""

    home: Path
    workspace: Workspace

    def edit(self, name: str, **values: Any) -> None:
        """Change values at the top of a file."""
        file = self.workspace.root / name
        document = yaml.safe_load(file.read_text())
        document.update(values)
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    def budgets(self, **budgets: object) -> None:
        self.edit("fleet.yaml", budgets=budgets)

    def plan(self, plan: str) -> None:
        """Of New Jersey's server."""
        document = yaml.safe_load((self.workspace.root / "Pulumi.nj.yaml").read_text())
        document["config"]["fleet:hosts"]["main"]["plan"] = plan
        self.edit("Pulumi.nj.yaml", **document)

    def run(self, *words: str, stack: str) -> tuple[int, str]:
        done = pulumi(self.workspace, *words, "--stack", stack, "--policy-pack", str(PACK))
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    home, root = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("project")
    workspace = fleet_on_paper(home, root, ("hub", "nj", "sg"))
    assert up(workspace, "addresses", lambda stack, line: None).errors == ()
    assert pulumi(workspace, "stack", "init", "nj").returncode == 0
    return Paper(home, workspace)


@pytest.fixture
def paper(standing: Paper) -> Iterator[Paper]:
    """With its files as they were afterwards."""
    root = standing.workspace.root
    kept = {path: path.read_bytes() for path in root.glob("*.yaml")}
    programs = (root / "stacks").readlink()
    yield standing
    for path, content in kept.items():
        path.write_bytes(content)
    if not (root / "stacks").is_symlink():
        # With what Python compiled of it, where it may keep that.
        shutil.rmtree(root / "stacks")
        (root / "stacks").symlink_to(programs)


@pytest.fixture
def fleet(paper: Paper, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    return fleet_in(paper.workspace.root, monkeypatch, capfd)


def test_within_the_budgets_a_preview_goes_through(paper: Paper) -> None:
    # The addresses of hub, nj and sg are reserved: 270 for the servers and 3 for the one at Vultr.
    paper.budgets(monthly_usd="273.00", regions={"nj": "51.00"})
    code, said = paper.run("preview", stack="addresses")
    assert code == 0, said
    assert "fleet-cost" in said
    assert "mandatory" not in said


def test_over_a_budget_a_preview_fails_and_says_by_how_much(paper: Paper) -> None:
    paper.budgets(monthly_usd="272.99", regions={"nj": "50.00"})
    code, said = paper.run("preview", stack="addresses")
    assert code != 0
    assert "[mandatory]" in said
    assert "budget of fleet: 273.00 of 272.99: OVER by 0.01" in said
    assert "budget of region nj: 51.00 of 50.00: OVER by 1.00" in said
    assert "Traceback" not in said


def test_a_regions_stack_is_judged_with_its_server_and_all_of_the_rest(paper: Paper) -> None:
    # nj 48 + 3 of the 279 of all seven regions, opened or not.
    paper.budgets(monthly_usd="279.00", regions={"nj": "51.00"}, phases={"1": "51.00"})
    code, said = paper.run("preview", stack="nj")
    assert code == 0, said
    assert "vultr:index:Instance" in said
    assert "mandatory" not in said
    assert "advisory" not in said, "all that the stack consists of has a known price, or costs nothing"


def test_over_a_budget_a_regions_stack_is_not_brought_up_and_the_command_says_the_same(
    paper: Paper, fleet: Fleet
) -> None:
    paper.budgets(monthly_usd="335.00", regions={"nj": "100.00"})
    paper.plan("voc-g-4c-16gb-80s-amd")
    code, said = paper.run("up", "--yes", stack="nj")
    assert code != 0
    # 279 - 48 + 120; 120 + 3.
    verdicts = (
        "budget of fleet: 351.00 of 335.00: OVER by 16.00",
        "budget of region nj: 123.00 of 100.00: OVER by 23.00",
    )
    for verdict in verdicts:
        assert verdict in said
    assert "[mandatory]" in said
    assert "Traceback" not in said
    assert servers(paper.home) == ()

    told = fleet("cost", "--preview", "nj")
    assert told.code == 3
    for verdict in verdicts:
        assert verdict in told.out


def test_where_a_server_of_aws_is_both_read_from_the_stacks_config(paper: Paper, fleet: Fleet) -> None:
    root = paper.workspace.root
    (root / "stacks").unlink()
    (root / "stacks").mkdir()
    (root / "stacks" / "__main__.py").write_text(OURS_AND_A_SPARE)
    assert pulumi(paper.workspace, "config", "set", "aws:region", "us-east-1", "--stack", "nj").returncode == 0
    # t3.medium 0.0416 x 730 = 30.37, 8 GB of disk at 0.08 = 0.64: 31.01 beside the 279.
    paper.budgets(monthly_usd="310.00")
    code, said = paper.run("preview", stack="nj")
    assert code != 0
    assert "budget of fleet: 310.01 of 310.00: OVER by 0.01" in said
    assert "is in no sum" not in said
    told = fleet("cost", "--preview", "nj")
    assert told.code == 3
    assert "budget of fleet: 310.01 of 310.00: OVER by 0.01" in told.out
    assert "UNPRICED" not in told.out
