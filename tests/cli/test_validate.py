"""``fleet validate``: problems, and what is allowed but better known."""

from __future__ import annotations

from pathlib import Path

from tests.said import Fleet


def test_the_default_fleet_has_no_problem_and_nothing_to_warn_of(fleet: Fleet) -> None:
    said = fleet("validate", "--json")
    assert said.code == 0
    assert (said.facts["problems"], said.facts["warnings"]) == ([], [])
    assert said.facts["placeholders"], "its domain and operators are examples"


def test_a_standing_server_that_does_not_say_its_memory_is_warned_of(fleet: Fleet, folder: Path) -> None:
    hub = folder / "Pulumi.hub.yaml"
    hub.write_text(hub.read_text().replace("      memory_gb: 16\n", ""))
    [warning] = fleet("validate", "--json").facts["warnings"]
    assert warning.startswith("Pulumi.hub.yaml: config.fleet:hosts.main.memory_gb: is not said")
    assert f"warning: {warning}" in fleet("validate").out
