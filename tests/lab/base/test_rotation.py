"""The mesh gets new keys while 20 ms pings run between all pairs: none is lost, and a killed rotation is finished."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations

import pytest

from fleet.mesh.rotation import Wish, rotate_mesh
from fleet.rehearsal.demo import wait_for_mesh
from tests.lab.fleet import StandingFleet, tell

pytestmark = pytest.mark.lab

HOSTS = ("hub", "nj", "sg")
"""Between these the pings run; the rotation covers every host that stands."""
ENOUGH = 900
"""Pings of each pair at least; a reply counts as lost after 2 s."""
UNJUDGED = 100
"""Pings of the last 2 s: on a busy machine the reply to one of them may still be under way when ping is ended."""


@contextmanager
def pings_between_all_pairs(fleet: StandingFleet) -> Iterator[dict[tuple[str, str], tuple[int, int]]]:
    """Ping every 20 ms from each host to each other one; afterwards holds (sent, lost) by pair."""
    results: dict[tuple[str, str], tuple[int, int]] = {}
    pairs = list(permutations(HOSTS, 2))
    for one, other in pairs:
        ping = f"exec ping -n -i 0.02 -W 2 {fleet.mesh_address(other)} > /run/ping-{other}.log 2>&1"
        fleet.on(one, "systemd-run", "--quiet", f"--unit=ping-{other}", "sh", "-c", ping)
    try:
        yield results
    finally:
        # ping sums up on SIGINT; the unit is gone once it has.
        for one, other in pairs:
            fleet.on(one, "systemctl", "kill", "--signal=INT", f"ping-{other}.service")
        for one, other in pairs:
            done = "while systemctl is-active --quiet ping-$0.service; do sleep 0.1; done; cat /run/ping-$0.log"
            told = fleet.on(one, "timeout", "20", "sh", "-c", done, other)
            results[one, other] = sent_and_lost(told)


def sent_and_lost(told: str) -> tuple[int, int]:
    """Out of ping's own output, of those that had their 2 s."""
    summary = re.search(r"(\d+) packets transmitted", told)
    assert summary, told[-300:]
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", told)}
    sent = int(summary[1]) - UNJUDGED
    return sent, len(set(range(1, sent + 1)) - answered)


def rotate(fleet: StandingFleet, wish: Wish, node: str = "") -> None:
    stand = fleet.stand
    rotate_mesh(stand.workspace, stand.configuration, stand.hosts(), stand.vault, wish, node, tell)


def assert_settled(fleet: StandingFleet) -> None:
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    assert {name: run.changed for name, run in fleet.preview().items() if run.changed} == {}


def keep_pinging(fleet: StandingFleet) -> None:
    """Let the pings go on until each pair has sent enough: they are counted by time, 50 a second."""
    fleet.on("hub", "ping", "-n", "-q", "-i", "0.02", "-c", str(ENOUGH + UNJUDGED), fleet.mesh_address("nj"))


@pytest.mark.parametrize("wish", [Wish.KEYS, Wish.PSK])
def test_a_rotation_loses_no_packet(fleet: StandingFleet, wish: Wish) -> None:
    before = fleet.stand.configuration.fleet.mesh.epoch
    with pings_between_all_pairs(fleet) as results:
        rotate(fleet, wish)
        keep_pinging(fleet)
    assert min(sent for sent, _ in results.values()) >= ENOUGH
    assert {pair: lost for pair, (_, lost) in results.items()} == dict.fromkeys(results, 0)
    after = fleet.stand.configuration.fleet.mesh.epoch
    assert (after.keys - before.keys, after.psk - before.psk) == ((1, 0) if wish is Wish.KEYS else (0, 1))
    assert_settled(fleet)


def test_one_nodes_keys_are_rotated_alone(fleet: StandingFleet) -> None:
    before = {host.ref.id: host for host in fleet.stand.hosts()}
    keys = {name: fleet.stand.configuration.fleet.mesh.epoch.of(name) for name in before}
    rotate(fleet, Wish.KEYS, node="nj")
    after = {name: fleet.stand.configuration.fleet.mesh.epoch.of(name) for name in before}
    assert {name for name in after if after[name] != keys[name]} == {"nj"}
    assert_settled(fleet)


def test_a_rotation_killed_half_way_leaves_a_working_mesh_and_is_finished_by_the_next(fleet: StandingFleet) -> None:
    epoch = fleet.stand.configuration.fleet.mesh.epoch
    command = [sys.executable, "-m", "fleet", "mesh", "rotate", "--keys", "--root", str(fleet.stand.root)]
    with pings_between_all_pairs(fleet) as results:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stderr is not None
        for line in process.stderr:
            if "move nj" in line:
                break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
        keep_pinging(fleet)
    assert {pair: lost for pair, (_, lost) in results.items()} == dict.fromkeys(results, 0)
    assert fleet.stand.configuration.fleet.mesh.epoch == epoch, "an unfinished rotation is not the fleet's epoch"

    rotate(fleet, Wish.KEYS)
    assert fleet.stand.configuration.fleet.mesh.epoch.keys == epoch.keys + 1
    assert_settled(fleet)


def test_an_unfinished_rotation_can_be_called_off(fleet: StandingFleet) -> None:
    epoch = fleet.stand.configuration.fleet.mesh.epoch
    other = {"wg0": "wg1", "wg1": "wg0"}[epoch.interface()]
    command = [sys.executable, "-m", "fleet", "mesh", "rotate", "--keys", "--root", str(fleet.stand.root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "move hub" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()

    rotate(fleet, Wish.ABORT)
    for host in HOSTS:
        assert other not in fleet.on(host, "wg", "show", "interfaces").split()
    assert fleet.stand.configuration.fleet.mesh.epoch == epoch
    assert_settled(fleet)
