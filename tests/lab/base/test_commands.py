"""The commands of every day, run as a person runs them, against the standing fleet."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab


def fleet_command(fleet: StandingFleet, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fleet", *arguments]
    environment = {**fleet.stand.workspace.engine_environment(), "FLEET_ROOT": str(fleet.stand.root)}
    nobody = subprocess.DEVNULL
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=nobody, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
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
