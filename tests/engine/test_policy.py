"""The policy pack in plain runs of the engine: over a budget nothing is brought up, and the text says by how much."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fleet.workspace import Workspace
from tests.engine.fleet_fixtures import fleet_on_paper, pulumi

pytestmark = pytest.mark.engine

PACK = Path(__file__).parents[2] / "policy" / "fleet-policy"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home, root = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("project")
    made = fleet_on_paper(home, root, ("hub", "nj", "sg"))
    pulumi(made, "stack", "init", "addresses")
    return made


def preview(workspace: Workspace, **budgets: object) -> tuple[int, str]:
    file = workspace.root / "fleet.yaml"
    document = yaml.safe_load(file.read_text())
    document["budgets"] = budgets
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    done = pulumi(workspace, "preview", "--stack", "addresses", "--policy-pack", str(PACK))
    return done.returncode, done.stdout + done.stderr


def test_within_the_budgets_a_preview_goes_through(workspace: Workspace) -> None:
    # Only the addresses of hub, nj and sg are reserved: 270 for the servers and 3 for the one at Vultr.
    code, said = preview(workspace, monthly_usd="273.00", regions={"nj": "51.00"})
    assert code == 0, said
    assert "fleet-cost" in said
    assert "mandatory" not in said


def test_over_a_budget_a_preview_fails_and_says_by_how_much(workspace: Workspace) -> None:
    code, said = preview(workspace, monthly_usd="272.99", regions={"nj": "50.00"})
    assert code != 0
    assert "[mandatory]" in said
    assert "budget of fleet: 273.00 of 272.99: OVER by 0.01" in said
    assert "budget of region nj: 51.00 of 50.00: OVER by 1.00" in said
    assert "Traceback" not in said
