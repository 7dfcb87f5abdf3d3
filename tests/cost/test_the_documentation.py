"""What ``docs/cost.md`` shows works as it stands there."""

from __future__ import annotations

import re

import yaml

from fleet.configuration import load
from tests.cost.conftest import ROOT, Folder

PAGE = (ROOT / "docs" / "cost.md").read_text()


def test_its_files_are_read_without_a_problem(fleet, folder: Folder) -> None:
    budgets, usage, contract, venues = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    folder.edit("fleet.yaml", lambda document: document.update(yaml.safe_load(budgets)))
    folder.write("usage.yaml", usage)
    folder.write("catalogue/contract.yaml", contract)
    folder.write("catalogue/venues.yaml", venues)
    said = fleet("cost", "--usage", "usage.yaml")
    assert said.code == 0, said.err
    assert "budget of phase 1: 43.00 of 100.00: 57.00 left" in said.out
    assert "9,000 GB expected" in said.out
    assert load(folder.root).venues.by_name["kraken"].status == "active"


def test_its_commands_have_the_options_that_it_names(fleet) -> None:
    offered = fleet("cost", "--help").out
    named = set(re.findall(r"(--[a-z-]+)", "\n".join(re.findall(r"^fleet cost.*$", PAGE, re.MULTILINE))))
    assert {"--explain", "--preview", "--html"} <= named
    assert all(option in offered for option in named), named
