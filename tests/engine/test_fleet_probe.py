"""A probe from end to end but for its measuring: the real engine, a lab without servers, and nothing left behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.catalogue.price_reading import load_prices
from fleet.engine import EngineError
from fleet.latency.plan import Plan, Settings, plan_of
from fleet.latency.probe import clear, left_elsewhere, probe
from fleet.latency.probe_offer import ProbeOffer, cheapest_offer
from fleet.latency.probe_stack import (
    FOLDER,
    ProbeFailed,
    ProbeRunning,
    bring_up,
    only_probe,
    stack_name,
    standing,
)
from fleet.operation.run import up
from fleet.rehearsal.stand import Stand, prepare
from fleet.workspace.engine_path import engine
from lab.cloud import listing
from lab.cloud.inventory import addresses, servers
from lab.faults import Fault, fail
from lab.lab import Lab
from lab.settings import LabHome

pytestmark = pytest.mark.engine


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """A fleet on paper of which nothing is up."""
    try:
        engine()
    except EngineError:
        pytest.skip("no engine on this machine (make engine builds one)")
    home = LabHome(tmp_path / "lab")
    home.configure(servers=False)
    with listing.started(home):
        yield prepare(Lab(home), lambda line: None, ("hub",))


def offer_in(stand: Stand, place: str, provider: str = "") -> ProbeOffer:
    return cheapest_offer(load_prices(stand.configuration.catalogue), place, provider)


def plan(stand: Stand) -> Plan:
    return plan_of(stand.configuration.venues, ["kraken"], Settings(seconds=1.0))


def tell(stack: str, line: str) -> None:
    print(f"{stack}: {line}")


def rented(stand: Stand) -> list[str]:
    """Every server and address that the lab's clouds would bill."""
    home = stand.lab.home.path
    return [entry.id for entry in (*servers(home), *addresses(home))]


def test_a_probe_stands_beside_the_fleet_and_goes_as_a_whole_from_another_machine_too(stand: Stand) -> None:
    # At EC2, where a server has a network of its own and most belongs to it.
    assert up(stand.workspace, "addresses", tell).ok
    before = rented(stand)
    offer, name = offer_in(stand, "virginia", "aws"), stack_name("virginia")

    run = bring_up(stand.workspace, name, offer.values(generation=1), tell)

    (server,) = servers(stand.lab.home.path)
    assert server.plan == offer.plan
    assert server.region.startswith(offer.location)
    assert run.outputs["address"] in {entry.address for entry in addresses(stand.lab.home.path)}
    assert standing(stand.workspace) == (name,)
    assert set(stand.configuration.stacks) == {"hub", "nj", "sg", "ldn", "chi", "tyo", "fra"}
    assert left_elsewhere(stand.workspace) == ()

    for file in (stand.root / FOLDER).glob("Pulumi*.yaml"):
        file.unlink()
    assert left_elsewhere(stand.workspace) == (name,)
    assert clear(stand.configuration, stand.workspace, tell) == (name,)

    assert rented(stand) == before
    assert standing(stand.workspace) == ()
    assert not list(stand.root.rglob("Pulumi.probe-*.yaml"))


def test_what_came_up_in_part_is_taken_away_also_where_only_the_provider_knows_of_it(stand: Stand) -> None:
    fail(stand.lab.home, Fault("lost_reply", "vultr", "create", "Instance"))
    with pytest.raises(ProbeFailed, match="probe-tokyo did not come up"):
        probe(stand.configuration, stand.workspace, stand.vault, offer_in(stand, "tokyo"), plan(stand), tell)
    assert rented(stand) == []
    assert standing(stand.workspace) == ()


@pytest.mark.parametrize(("answer", "code"), [("n\n", 3), ("\n", 3), ("", 1)], ids=["no", "just enter", "nobody there"])
def test_without_a_yes_to_its_price_nothing_is_rented(stand: Stand, answer: str, code: int) -> None:
    catalogue = stand.root / "catalogue"
    catalogue.mkdir()
    price = 'service: vultr, name: vc2-1c-1gb, hourly_usd: "0.007", monthly_usd: "5"'
    (catalogue / "old.yaml").write_text(f"plans: [{{{price}, source: an old list, as_of: 2025-01-01}}]\n")
    command = [sys.executable, "-m", "fleet", "latency", "probe", "tokyo", "--root", str(stand.root)]
    done = subprocess.run(command, input=answer, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    # The price comes before the question: $0.007 for the hour and 1/730 of the address's $3.
    price = (
        "vc2-1c-1gb at vultr nrt: $0.011 for up to an hour, with its address; left standing it would cost $8.00 a month"
    )
    assert price in done.stderr
    assert re.search(r"stale: prices: 1 is \d+ days old \(an old list, 2025-01-01\)", done.stderr)
    assert "Rent it, measure for 120 s and take it away? [y/N]" in said
    assert ("not confirmed: nothing was rented" in said) is (code == 3)
    assert "Traceback" not in said
    assert rented(stand) == []
    assert standing(stand.workspace) == ()
    assert not list(stand.root.rglob("Pulumi.probe-*.yaml"))


def ended_while_it_waits(stand: Stand, kind: signal.Signals) -> tuple[int, str]:
    """Exit code and output of a probe that gets a signal when its server is rented; on paper that never answers."""
    command = [sys.executable, "-u", "-m", "fleet", "latency", "probe", "tokyo", "--yes", "--root", str(stand.root)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if "waiting until ssh answers" in line:
            running.send_signal(kind)
            break
    rest, _ = running.communicate()
    return running.returncode, said + rest


def test_an_ended_probe_takes_its_server_away_and_what_a_killed_one_left_goes_before_the_next(stand: Stand) -> None:
    code, said = ended_while_it_waits(stand, signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    left = rented(stand)
    assert len(left) == 2

    code, said = ended_while_it_waits(stand, signal.SIGTERM)

    assert code == 130, said
    assert "probe-tokyo an earlier probe was ended before it could take this away" in said
    assert said.count("probe-tokyo create vultr:index/instance:Instance") == 1
    assert said.count("probe-tokyo delete vultr:index/instance:Instance") == 2
    assert rented(stand) == []
    assert standing(stand.workspace) == ()


def test_a_second_probe_on_one_machine_is_refused(stand: Stand) -> None:
    with only_probe(stand.workspace), pytest.raises(ProbeRunning, match="another probe"):
        clear(stand.configuration, stand.workspace, tell)
