"""Accounts move between regions, killed at every step and run again: no two regions ever trade one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fleet.catalogue.venues import credential_name
from fleet.operation.locks import locks_of, unlock
from tests.lab.fleet import StandingFleet, tell

pytestmark = pytest.mark.lab

PROGRAM = Path(__file__).with_name("trading_log.py")
REGIONS = ("nj", "sg")
TRADING = "fleet-trading-trading-service-1"
ENOUGH = 100
"""Looks at each region at least."""

Eventually = Callable[[Callable[[], object]], None]
Moment = Callable[[str], bool]
"""Whether a command is to be killed, now that it has told this line."""


@dataclass(frozen=True)
class Look:
    """One look at a region: what it did at some time between two of the machine's clock."""

    region: str
    asked: float
    answered: float
    active: tuple[str, ...]
    sessions: tuple[str, ...]


@contextmanager
def watched(fleet: StandingFleet) -> Iterator[list[Look]]:
    """Look at both regions' trading services all the time; afterwards holds every look, in the order of time."""
    looks: list[Look] = []
    for region in REGIONS:
        fleet.on(region, "sh", "-c", f"cat > /run/trading_log.py <<'END'\n{PROGRAM.read_text()}\nEND")
        fleet.on(region, "rm", "-f", "/run/trading.log")
        argv = ("python3", "/run/trading_log.py", "/run/trading.log")
        fleet.on(region, "systemd-run", "--quiet", "--unit=trading-log", *argv)
    try:
        yield looks
    finally:
        for region in REGIONS:
            fleet.on(region, "systemctl", "stop", "trading-log.service")
            for line in fleet.on(region, "cat", "/run/trading.log").splitlines():
                said = json.loads(line)
                looks.append(
                    Look(region, said["asked"], said["answered"], tuple(said["active"]), tuple(said["sessions"]))
                )
        looks.sort(key=lambda look: look.asked)


def handed_over(looks: list[Look], has: Callable[[Look], bool]) -> list[str]:
    """Who had something, one after the other. Between two of them there was a time, looked at, when nobody had."""
    for region in REGIONS:
        assert len([look for look in looks if look.region == region]) >= ENOUGH, region
    having = [look for look in looks if has(look)]
    order = [having[0].region]
    for before, after in pairwise(having):
        if before.region == after.region:
            continue
        ended = max(look.answered for look in having if look.region == before.region and look.asked < after.asked)
        between = {look.region for look in looks if look.asked > ended and look.answered < after.asked}
        assert between == set(REGIONS), f"{before.region} to {after.region}: {ended} to {after.asked}"
        order.append(after.region)
    return order


def move(fleet: StandingFleet, *words: str) -> list[str]:
    return [sys.executable, "-u", "-m", "fleet", "venue", "move", *words, "--root", str(fleet.stand.root)]


def run(fleet: StandingFleet, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a move to its end."""
    done = subprocess.run(move(fleet, *words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    tell(" ".join(words), done.stdout + done.stderr)
    return done


def ask(fleet: StandingFleet, *words: str) -> subprocess.CompletedProcess[str]:
    """``fleet ...`` as a person runs it."""
    whole = [sys.executable, "-m", "fleet", *words, "--root", str(fleet.stand.root)]
    environment = {**os.environ, **fleet.stand.workspace.engine_environment()}
    done = subprocess.run(whole, env=environment, capture_output=True, text=True, check=False)
    tell(" ".join(words), done.stdout + done.stderr)
    return done


def set_mode(document: dict[str, Any], venue: str, mode: str) -> None:
    document["config"]["fleet:venues"][venue] = mode


def kill_at(fleet: StandingFleet, eventually: Eventually, moment: Moment, *words: str) -> None:
    """Begin a move, or go on with it, and kill it with its engine; then take away the engine's lock, as told."""
    process = subprocess.Popen(move(fleet, *words), stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    told = []
    with process.stderr as progress:
        for line in progress:
            told.append(line)
            if moment(line):
                break
        else:
            raise AssertionError(f"it ended before it was to be killed: {''.join(told)}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    tell("killed after", "".join(told))
    workspace = fleet.stand.workspace
    # A killed engine is gone a moment later.
    eventually(lambda: not any(lock.alive for region in REGIONS for lock in locks_of(workspace, region)))
    for region in REGIONS:
        unlock(workspace, region)


def telling(region: str, words: str) -> Moment:
    """When the command says this of a region."""
    return lambda line: line.split()[:1] == [region] and words in line


def replacing(fleet: StandingFleet, region: str, eventually: Eventually) -> Moment:
    """When the region's service was replaced, and is not yet found to be good."""
    before = container(fleet, region)

    def moment(line: str) -> bool:
        if not telling(region, f"BundleRelease {region}-trading")(line):
            return False
        eventually(lambda: container(fleet, region) not in ("", before))
        return True

    return moment


def container(fleet: StandingFleet, region: str) -> str:
    """The id of the region's trading service; empty while there is none."""
    return fleet.lab.run(region, ["docker", "inspect", "--format", "{{.Id}}", TRADING]).stdout.strip()


def modes(fleet: StandingFleet, venue: str, account: str) -> dict[str, str]:
    """The mode of an account by region, as the files say."""
    return {
        region: use.mode
        for region in REGIONS
        for use in fleet.stand.configuration.stacks[region].venues
        if (use.venue, use.account) == (venue, account)
    }


def step(fleet: StandingFleet) -> str:
    """What the journal says is next."""
    journal = fleet.stand.root / ".fleet" / "venue-move.json"
    return str(json.loads(journal.read_text())["step"]) if journal.exists() else ""


def changed(fleet: StandingFleet) -> Mapping[str, int]:
    return {name: run.changed for name, run in fleet.up(*REGIONS).items()}


def test_an_account_is_traded_by_one_region_whenever_its_move_is_killed(
    fleet: StandingFleet, eventually: Eventually
) -> None:
    there = ("alpaca", "--to", "sg")
    before = fleet.stand.configuration.stacks

    # sg has no credential of alpaca: said before anything is touched.
    refused = run(fleet, *there)
    assert refused.returncode != 0
    assert "fleet secrets set alpaca/sg/" in refused.stderr
    assert (step(fleet), fleet.stand.configuration.stacks) == ("", before)
    venue = fleet.stand.configuration.venues.by_name["alpaca"]
    secrets = fleet.stand.workspace.open_secrets()
    for credential in venue.all_credentials:
        secrets.set(credential_name("alpaca", "sg", credential), "made-up")

    with watched(fleet) as looks:
        for moment, next_step in (
            (telling("sg", "alpaca: standby"), "prepare"),
            (replacing(fleet, "nj", eventually), "stop"),
            (telling("nj", "asked whether it stopped"), "confirm"),
            (replacing(fleet, "sg", eventually), "start"),
        ):
            kill_at(fleet, eventually, moment, *there)
            assert step(fleet) == next_step
        # Whoever else wants to move something is told to end this one.
        assert "end it first with: fleet venue move alpaca" in run(fleet, "coinbase", "--to", "sg").stderr
        ended = run(fleet, *there)
        assert ended.returncode == 0, ended.stderr
        assert (step(fleet), modes(fleet, "alpaca", "main")) == ("", {"nj": "standby", "sg": "active"})
        assert changed(fleet) == {"nj": 0, "sg": 0}
    assert handed_over(looks, lambda look: "alpaca:main" in look.active) == ["nj", "sg"]
    # Nor do other ways lead to two traders: back to a release from before the move, or by modes written by hand.
    back = ask(fleet, "release", "rollback", "nj", "trading")
    assert (back.returncode, "trades account main of alpaca, which nj does not trade" in back.stderr) == (3, True)
    written = {region: (fleet.stand.root / f"Pulumi.{region}.yaml").read_text() for region in REGIONS}
    for region, mode in (("sg", "standby"), ("nj", "active")):
        fleet.edit(f"Pulumi.{region}.yaml", lambda document, mode=mode: set_mode(document, "alpaca", mode))
    by_hand = ask(fleet, "up", "nj")
    assert (by_hand.returncode, "which sg still trades" in by_hand.stderr) == (3, True)
    for region, text in written.items():
        (fleet.stand.root / f"Pulumi.{region}.yaml").write_text(text)
    assert changed(fleet) == {"nj": 0, "sg": 0}
    # The others were traded on by their own regions.
    assert {look.region for look in looks if "binance:main" in look.active} == {"sg"}
    assert {look.region for look in looks if "coinbase:main" in look.active} == {"nj"}


def test_an_account_that_is_let_in_once_never_has_two_sessions(fleet: StandingFleet, eventually: Eventually) -> None:
    words = ("interactive-brokers", "--account", "us", "--to")
    sg = fleet.stand.root / "Pulumi.sg.yaml"
    kept = sg.read_text()
    # A region's services know one account of it.
    refused = run(fleet, *words, "sg")
    assert refused.returncode == 1
    assert "as interactive-brokers (asia) does" in refused.stderr

    def without_asia(document: dict[str, Any]) -> None:
        for venue in ("interactive-brokers", "ib-market-data"):
            del document["config"]["fleet:venues"][venue]

    fleet.edit("Pulumi.sg.yaml", without_asia)
    fleet.up("sg")
    with watched(fleet) as looks:
        kill_at(fleet, eventually, replacing(fleet, "nj", eventually), *words, "sg")
        assert step(fleet) == "stop"
        kill_at(fleet, eventually, telling("sg", "interactive-brokers: active"), *words, "sg")
        assert (step(fleet), modes(fleet, "interactive-brokers", "us")) == ("start", {})
        ended = run(fleet, *words, "sg")
        assert ended.returncode == 0, ended.stderr
        assert modes(fleet, "interactive-brokers", "us") == {"sg": "active"}
        # Its login left New Jersey with it, out of the releases that are kept there too.
        logins = {region: fleet.lab.run(region, ["grep", "-rl", "TWS_PASSWORD", "/opt/fleet"]) for region in REGIONS}
        assert (logins["nj"].stdout, logins["sg"].stdout != "") == ("", True)
        ended = run(fleet, *words, "nj")
        assert ended.returncode == 0, ended.stderr
    session = "fleet-trading-ib-gateway-us-1"
    assert handed_over(looks, lambda look: session in look.sessions) == ["nj", "sg", "nj"]
    assert handed_over(looks, lambda look: "interactive-brokers:us" in look.active) == ["nj", "sg", "nj"]
    sg.write_text(kept)
    assert changed(fleet)["nj"] == 0
