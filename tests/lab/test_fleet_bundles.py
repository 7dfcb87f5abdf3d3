"""Bundles through the engine: what runs, what a broken release leaves, going back and letting go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.settings import HOME_VARIABLE
from tests.lab.fleet import StandingFleet, hub_as_it_is

pytestmark = pytest.mark.lab

HOSTS = ("hub", "nj", "sg")
LOCAL_CONF = "bundles/redis/local.conf.j2"


def started(fleet: StandingFleet, host: str) -> dict[str, str]:
    """When each container of the fleet's bundles was started, by its name."""
    listed = ["docker", "ps", "--filter", "name=fleet-", "--format", "{{.Names}}"]
    names = fleet.on(host, *listed).split()
    shown = fleet.on(host, "docker", "inspect", "--format", "{{.Name}} {{.State.StartedAt}}", *names)
    return dict(line.lstrip("/").split() for line in shown.splitlines())


def fleet_command(fleet: StandingFleet, *words: str) -> str:
    done = fleet.command(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def releases(fleet: StandingFleet, host: str, bundle: str) -> list[dict[str, object]]:
    kept: list[dict[str, object]] = json.loads(fleet_command(fleet, "release", "list", host, bundle, "--json"))[bundle]
    return kept


def current(fleet: StandingFleet, host: str, bundle: str) -> str:
    return next(str(kept["digest"]) for kept in releases(fleet, host, bundle) if kept["current"])


def test_every_region_runs_its_database_and_its_local_redis(fleet: StandingFleet) -> None:
    for host in HOSTS:
        running = started(fleet, host)
        assert {"fleet-questdb-questdb-1", "fleet-redis-redis-local-1"} <= set(running), host
        # What a client in this host's containers uses: the reader may read, and nothing else.
        sql = ["docker", "exec", "fleet-questdb-questdb-1", "bash", "/etc/questdb/sql.sh", "reader"]
        fleet.on(host, *sql, "SELECT 1")
        refused = fleet.lab.run(fleet.server(host), [*sql, "CREATE TABLE t (ts timestamp) timestamp(ts)"])
        assert refused.code != 0
        assert "Write permission denied" in refused.stdout


def test_the_demo_again_changes_nothing_and_a_refresh_finds_nothing(fleet: StandingFleet) -> None:
    demo = [sys.executable, "-m", "fleet", "demo", "up", "--json"]
    environment = {**os.environ, HOME_VARIABLE: str(fleet.lab.home.path)}
    done = subprocess.run(demo, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["ok"], told["problems"], told["changed"], told["root"]) == (True, [], 0, str(fleet.stand.root))
    assert {stack["stack"]: stack["ok"] for stack in told["stacks"]} == dict.fromkeys(("addresses", *HOSTS), True)
    assert {host["host"]: host["allow_list"] for host in told["hosts"]} == told["seen_by_a_venue_as"]
    assert {link["state"] for link in told["mesh"]["links"]} == {"ok"}
    assert told["open_tcp_ports"] == {"hub": [22, 8080], "nj": [], "sg": []}
    assert set(told["seconds_until_read"]) == {"nj", "sg"}
    fleet.refresh()
    assert [name for name, run in fleet.preview().items() if run.changed] == []


def test_what_the_hubs_owner_runs_is_as_it_was(fleet: StandingFleet) -> None:
    assert hub_as_it_is(fleet.lab) == fleet.hub_before


def test_a_broken_release_ends_up_and_leaves_the_one_before_it_running(fleet: StandingFleet, tmp_path: Path) -> None:
    before, digest = started(fleet, "nj"), current(fleet, "nj", "redis")
    with fleet.with_template(tmp_path, LOCAL_CONF, "maxmemory ", "no-such-directive yes\nmaxmemory "):
        run = fleet.attempt("nj")
    said = "\n".join(run.errors)
    assert "no-such-directive yes" in said, "the failing container's last lines are told"
    assert f"The last good release {digest} runs again" in said
    assert "Traceback" not in said
    after = started(fleet, "nj")
    assert current(fleet, "nj", "redis") == digest
    # Only the service whose file it was has been restarted; the database did not notice.
    assert after["fleet-questdb-questdb-1"] == before["fleet-questdb-questdb-1"]
    assert fleet.up("nj")["nj"].changed == 0


def test_a_changed_value_restarts_its_service_and_a_roll_back_is_kept_by_later_runs(
    fleet: StandingFleet, tmp_path: Path
) -> None:
    before, first = started(fleet, "sg"), current(fleet, "sg", "redis")
    with fleet.with_template(tmp_path, LOCAL_CONF, "maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"):
        assert dict(fleet.up("sg")["sg"].changes) == {"update": 1}
        second = current(fleet, "sg", "redis")
        assert second != first
        after = started(fleet, "sg")
        assert {name for name in before if after[name] != before[name]} == {"fleet-redis-redis-local-1"}

        told = fleet_command(fleet, "release", "rollback", "sg", "redis")
        assert f"held at {first}" in told
        assert current(fleet, "sg", "redis") == first
        # Engine and host agree: neither a preview, nor an up, nor a refresh brings the newer one back.
        fleet.refresh("sg")
        assert fleet.up("sg")["sg"].changed == 0
        assert current(fleet, "sg", "redis") == first

        fleet_command(fleet, "release", "resume", "sg", "redis")
        fleet.up("sg")
        assert current(fleet, "sg", "redis") == second
    fleet.up("sg")
    assert current(fleet, "sg", "redis") == first


def test_a_stopped_container_is_drift_and_comes_back(fleet: StandingFleet) -> None:
    fleet.on("nj", "docker", "stop", "fleet-redis-redis-local-1")
    fleet.refresh("nj")
    assert dict(fleet.preview("nj")["nj"].changes) == {"update": 1}
    fleet.up("nj")
    assert "fleet-redis-redis-local-1" in started(fleet, "nj")
    assert fleet.up("nj")["nj"].changed == 0
