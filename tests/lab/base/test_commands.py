"""The commands of every day, run as a person runs them, against the standing fleet."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from fleet.adoption.survey import closed_ports
from fleet.rehearsal.outside import open_ports
from tests.lab.fleet import StandingFleet, hub_as_it_is

pytestmark = pytest.mark.lab


def fleet_command(fleet: StandingFleet, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = fleet.command(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_status_tells_the_hosts_and_that_nothing_else_is_paid_for(fleet: StandingFleet) -> None:
    facts = json.loads(fleet_command(fleet, "status", "--json").stdout)
    assert [(fact["host"], fact["provider"]) for fact in facts] == [
        ("hub", "existing"),
        ("nj", "vultr"),
        ("sg", "digitalocean"),
    ]
    shown = fleet_command(fleet, "status").stdout
    assert facts[1]["allow_list"] in shown
    assert "not up: ldn, chi, tyo, fra" in shown
    assert json.loads(fleet_command(fleet, "orphans", "--json").stdout)["orphans"] == []


def test_the_mesh_is_shown_link_by_link(fleet: StandingFleet) -> None:
    shown = json.loads(fleet_command(fleet, "mesh", "show", "--json").stdout)
    assert {(link["node"], link["peer"], link["state"]) for link in shown["links"]} == {
        (one, other, "ok") for one in ("hub", "nj", "sg") for other in ("hub", "nj", "sg") if one != other
    }
    fleet_command(fleet, "mesh", "verify")


def test_a_shell_directly_and_through_the_hub(fleet: StandingFleet) -> None:
    assert fleet_command(fleet, "ssh", "nj", "hostname").stdout.strip() == "nj"
    assert fleet_command(fleet, "ssh", "--through-hub", "sg", "hostname").stdout.strip() == "sg"
    assert "no host 'njj' stands" in fleet_command(fleet, "ssh", "njj", code=2).stderr


def test_logs_of_a_host(fleet: StandingFleet) -> None:
    assert "ssh" in fleet_command(fleet, "logs", "nj", "--unit", "ssh.service", "--lines", "5").stdout


def test_down_needs_the_name_typed_and_says_what_keeps_costing(fleet: StandingFleet) -> None:
    refused = fleet_command(fleet, "down", "nj", "--confirm", "n", code=3).stdout
    assert "Keeps costing: nj: its static address" in refused
    assert "nothing was changed" in refused


def test_adopting_asks_before_it_goes_on(fleet: StandingFleet) -> None:
    # Without an answer nothing happens: the survey is shown, the question stays open.
    done = subprocess.run(
        [sys.executable, "-m", "fleet", "adopt", "hub", "--root", str(fleet.stand.root)],
        env=fleet.stand.workspace.engine_environment(),
        input="n\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "8080/tcp" in done.stdout
    assert "stays open" in done.stdout


def test_a_survey_as_facts_asks_nothing_and_changes_nothing(fleet: StandingFleet) -> None:
    survey = json.loads(fleet_command(fleet, "adopt", "hub", "--json", code=3).stdout)
    assert (survey["host"], survey["close"], survey["unsettled"]) == ("hub", [], [])
    assert "8080/tcp" in {port["port"] for port in survey["stay_open"]}
    assert survey["run"] is None


def test_a_port_that_is_given_up_is_closed_by_the_adoption_and_stays_in_the_stack_file(fleet: StandingFleet) -> None:
    def declare_nothing(document: dict[str, Any]) -> None:
        del document["config"]["fleet:hosts"]["main"]["public_ports"]

    def outside() -> tuple[int, ...]:
        return open_ports(fleet.lab, [host for host in fleet.stand.hosts() if host.ref.id == "hub"], "8080")["hub"]

    before = hub_as_it_is(fleet.lab)
    kept = (fleet.stand.root / "Pulumi.hub.yaml").read_text()
    fleet.edit("Pulumi.hub.yaml", declare_nothing)
    try:
        refused = fleet_command(fleet, "adopt", "hub", "--yes", code=3).stdout
        assert "WOULD BE CLOSED to the outside" in refused
        assert "--give-up 8080/tcp" in refused
        assert outside() == (8080,)

        told = json.loads(fleet_command(fleet, "adopt", "hub", "--give-up", "8080/tcp", "--yes", "--json").stdout)

        assert ([port["port"] for port in told["close"]], told["unsettled"]) == (["8080/tcp"], [])
        assert (told["run"]["ok"], told["run"]["changes"]) == (True, {"update": 1})
        assert outside() == ()
        [hub] = fleet.stand.configuration.hosts_of("hub")
        assert closed_ports(hub.host) == ("8080/tcp",)
        # The file says it from now on: the next run, and the next adoption, find it settled.
        adopted = fleet_command(fleet, "adopt", "hub", "--yes")
        assert "hub: no changes" in adopted.stdout
    finally:
        (fleet.stand.root / "Pulumi.hub.yaml").write_text(kept)
        fleet.up("hub")
    assert outside() == (8080,)
    assert hub_as_it_is(fleet.lab) == before
