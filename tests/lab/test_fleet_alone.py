"""A region alone: it boots while the hub is off, works by itself, and catches up when the hub is back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from fleet.rehearsal.demo import wait_for_mesh
from fleet.rehearsal.market_row import MAKE, TABLE
from infra.bundles import questdb
from lab import faults
from lab.errors import LabError
from tests.lab.fleet import StandingFleet, hub_as_it_is

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

HEALTHY = {
    "fleet-questdb-questdb-1",
    "fleet-redis-redis-local-1",
    "fleet-trading-trading-service-1",
    "fleet-data-data-service-1",
}
"""What a region needs to trade by itself."""
SERVICES = {"fleet-trading-trading-service-1": 5001, "fleet-data-data-service-1": 5002}
"""With the port at which each answers inside its container."""


def test_new_jersey_boots_and_works_while_the_hub_is_off_and_catches_up(
    fleet: StandingFleet, eventually: Eventually
) -> None:
    lab = fleet.lab
    before, after = f"before {uuid.uuid4().hex}", f"after {uuid.uuid4().hex}"
    assert write(fleet, before)
    eventually(lambda: is_read(fleet, before))
    boot, running, hub = boot_of(fleet), states(fleet), hub_as_it_is(lab)
    assert {name for name, state in running.items() if "(healthy)" in state} >= HEALTHY

    faults.stop_host(lab.home, "hub")
    try:
        fleet.on("nj", "systemctl", "reboot")
        eventually(lambda: boot_of(fleet) not in ("", boot))
        # Every container that ran before runs again, by nobody's hand.
        eventually(lambda: {name for name, state in states(fleet).items() if "(healthy)" in state} >= HEALTHY)
        eventually(lambda: {name for name, state in states(fleet).items() if state.startswith("Up")} >= set(running))
        for name, port in SERVICES.items():
            said = who(fleet, name, port)
            assert (said["read"]["state"], said["redis"]["state"], said["write"]["state"]) == ("ok", "ok", "waiting")
            assert said["region"] == "nj"
        assert "active" in who(fleet, *next(iter(SERVICES.items())))["venues"].values()
        # What it had it still has, to be read.
        assert is_read(fleet, before)
        with pytest.raises(LabError, match="nothing runs on the server hub"):
            lab.run("hub", ["true"])
    finally:
        faults.start_host(lab.home, "hub")

    eventually(lambda: write(fleet, after))
    eventually(lambda: is_read(fleet, after))
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    eventually(lambda: who(fleet, *next(iter(SERVICES.items())))["write"]["state"] == "ok")
    assert fleet.up("hub", "nj")["nj"].changed == 0

    # The hub booted: its own containers and its Docker were started anew, and nothing else of it changed.
    eventually(lambda: names_in(hub_as_it_is(lab)["containers"]) == names_in(hub["containers"]))
    booted = hub_as_it_is(lab)
    assert {part for part in booted if booted[part] != hub[part]} == {"containers", "docker"}
    # The fleet is shared with other tests, which compare the hub with how it was.
    fleet.hub_before.update({part: booted[part] for part in ("containers", "docker")})


def names_in(containers: str) -> list[str]:
    """The names of the hub's own containers."""
    return sorted(line.split()[0] for line in containers.splitlines())


def states(fleet: StandingFleet) -> dict[str, str]:
    """What Docker says of each of the fleet's containers in New Jersey; nothing while it does not run."""
    done = fleet.lab.run("nj", ["docker", "ps", "--filter", "name=fleet-", "--format", "{{.Names}}\t{{.Status}}"])
    found = (line.partition("\t") for line in done.stdout.splitlines())
    return {name: state for name, _, state in found}


def boot_of(fleet: StandingFleet) -> str:
    """When New Jersey's system began to run; empty while it does not."""
    try:
        done = fleet.lab.run("nj", ["systemctl", "show", "-p", "UserspaceTimestampMonotonic", "--value"])
    except LabError:
        return ""
    return done.stdout.strip() if done.code == 0 else ""


def who(fleet: StandingFleet, name: str, port: int) -> dict[str, Any]:
    """What one of New Jersey's services says that it is, and what it reaches."""
    ask = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/whoami', timeout=20).read().decode())"
    found: dict[str, Any] = json.loads(fleet.on("nj", "docker", "exec", name, "python3", "-c", ask))
    return found


def write(fleet: StandingFleet, row: str) -> bool:
    """Write a row on the hub; whether its database took it."""
    for words in (MAKE, f"INSERT INTO {TABLE} VALUES (now(), '{row}', 1.5)"):
        if fleet.lab.run("hub", questdb.statement(questdb.WRITER, words)).code != 0:
            return False
    return True


def is_read(fleet: StandingFleet, row: str) -> bool:
    """Whether New Jersey's own replica has a row, as a region's service reads it."""
    words = f"SELECT id FROM {TABLE} WHERE id = '{row}'"
    answer = fleet.lab.run("nj", questdb.statement(questdb.READER, words))
    return answer.code == 0 and row in answer.stdout
