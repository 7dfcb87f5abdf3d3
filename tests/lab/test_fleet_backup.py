"""The hub's disk is lost: what left it by the schedule comes back, and no replica stays ahead of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from infra.backup import restore_unit
from infra.bundles import questdb
from tests.lab.fleet import StandingFleet
from tests.lab.test_fleet_data import TRADES, Market

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

ROWS = 20_000


@pytest.fixture(scope="module")
def market(fleet: StandingFleet) -> Market:
    return Market(fleet)


def db(fleet: StandingFleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    return fleet.command("db", *arguments)


def test_copies_are_due_by_a_timer_on_the_hub_alone(market: Market) -> None:
    assert market.fleet.on("hub", "systemctl", "is-active", "fleet-db-backup.timer").strip() == "active"
    due = market.fleet.on("hub", "systemctl", "show", "--property=NextElapseUSecRealtime", "fleet-db-backup.timer")
    assert due.strip() != "NextElapseUSecRealtime="
    nj = market.fleet.lab.run(market.fleet.server("nj"), ["systemctl", "cat", "fleet-db-backup.timer"])
    assert nj.code != 0


def test_the_hubs_key_opens_nothing_but_the_copies(market: Market) -> None:
    address = market.fleet.mesh_address("nj")
    ssh = ("ssh", "-i", "/etc/fleet/backup/key", "-o", "UserKnownHostsFile=/etc/fleet/backup/known_hosts")
    door = (*ssh, "-o", "HostKeyAlias=nj", "-o", "BatchMode=yes", f"fleet-backup@{address}")
    assert json.loads(market.fleet.on("hub", *door, "list")) == []
    for words in ("id", "list; id", "delete 20261123T120000Z", "sh"):
        done = market.fleet.lab.run("hub", [*door, words])
        assert done.code == 2, done
        assert "uid=" not in done.stdout
    for words in ("get ../../../etc/passwd", "put ../x"):
        done = market.fleet.lab.run("hub", [*door, words])
        assert "is not the name of a copy" in done.stderr


def test_what_was_copied_comes_back_and_every_replica_is_copied_anew(market: Market, eventually: Eventually) -> None:
    fleet = market.fleet
    nj = market.replica_address("nj")

    def at_rest() -> bool:
        [[visible, written]] = market.primary("SELECT writerTxn, sequencerTxn FROM wal_tables() WHERE name = 'kept'")
        return visible == written

    market.primary(TRADES.format("kept"))
    market.program("write", "kept", str(ROWS), "3")
    eventually(at_rest)
    copied = market.digest("kept", "questdb:9000")

    sent = json.loads(db(fleet, "backup", "--json").stdout)
    assert sent["host"] == "nj"
    kept = fleet.on("nj", "ls", "-l", "/var/lib/fleet-backup")
    assert f"{sent['name']}.tar.gz" in kept
    status = json.loads(db(fleet, "status", "--json").stdout)["backup"]
    assert (status["newest"], status["rpo_hours"], status["late"]) == (sent["name"], 6, False)

    market.program("write", "kept", str(2 * ROWS), "4")
    eventually(at_rest)
    later = market.digest("kept", "questdb:9000")
    assert later["rows"] > copied["rows"]
    eventually(lambda: market.digest("kept", nj) == later)

    volume = fleet.on("hub", "docker", "volume", "inspect", "--format", "{{.Mountpoint}}", questdb.VOLUME).strip()
    stop = f"docker stop --time 1 $(docker ps --quiet --filter label=com.docker.compose.project={questdb.PROJECT})"
    fleet.on("hub", "sh", "-c", f"{stop} && find {volume} -mindepth 1 -delete")

    refused = db(fleet, "restore", "--confirm", "yes")
    assert (refused.returncode, "nothing was changed" in refused.stdout) == (3, True)
    assert db(fleet, "restore", "--copy", "20200101T000000Z", "--confirm", "20200101T000000Z").returncode == 2

    # Killed on the hub as soon as something of the copy is there: the same command goes on.
    unit = restore_unit(sent["name"])
    fleet.on("hub", "systemctl", "start", "--no-block", unit)
    eventually(lambda: fleet.lab.run("hub", ["ls", f"{volume}/restore"]).code == 0)
    fleet.lab.run("hub", ["systemctl", "kill", "--signal=KILL", unit])

    restored = db(fleet, "restore", "--confirm", sent["name"])
    assert restored.returncode == 0
    assert f"  kept: {copied['rows']} rows" in restored.stdout

    assert market.digest("kept", "questdb:9000") == copied
    for host in ("nj", "sg"):
        address = market.replica_address(host)
        eventually(lambda address=address: market.digest("kept", address) == copied)
    market.primary("INSERT INTO kept VALUES (now(), 'BTC', 1, 2.5, 'after the loss')")
    eventually(lambda: "after the loss" in market.on_replica("sg", "SELECT note FROM kept WHERE note LIKE 'after%'")[1])
