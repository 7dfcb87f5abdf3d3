"""``fleet orphans`` from end to end: the real engine in a lab without servers, replies that are lost after a create,
and an engine that is killed between a create and its answer."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from fleet.engine import EngineError
from fleet.operation.locks import Lock, locks_of
from fleet.operation.run import StackRun, preview, selected, up
from fleet.orphans import count_orphans
from fleet.orphans.adoption import AdoptionFailed
from fleet.orphans.deletion import DeletionRefused
from fleet.orphans.second_server import SecondServer
from fleet.rehearsal.stand import Stand, prepare
from fleet.workspace.engine_path import engine
from lab.cloud import listing
from lab.cloud.inventory import addresses, servers
from lab.faults import Fault, fail
from lab.lab import Lab
from lab.settings import LabHome
from tests.engine.running_fleet import running_up

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Rehearsal:
    """A fleet in a lab without servers, and its command line."""

    stand: Stand

    def lose_reply(self, provider: str, type: str) -> None:
        fail(self.stand.lab.home, Fault("lost_reply", provider, "create", type))

    def up(self, stack: str) -> StackRun:
        return up(self.stand.workspace, stack, lambda stack, line: None)

    def fleet(self, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*arguments, "--root", str(self.stand.root)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    def orphans(self) -> list[dict[str, Any]]:
        code, text = self.fleet("orphans", "--json")
        assert code == 0
        found: list[dict[str, Any]] = json.loads(text)["orphans"]
        return found

    def refusal_of(self, *arguments: str) -> str:
        """What a command that does nothing says for its reason."""
        failure = CliRunner().invoke(app, [*arguments, "--root", str(self.stand.root)]).exception
        assert isinstance(failure, SecondServer | AdoptionFailed | DeletionRefused), failure
        return str(failure)

    def kill_engine_after_create(self, stack: str, provider: str, type: str) -> Lock:
        """``fleet up STACK`` whose engine gets SIGKILL when the cloud has made it and before it answers; its lock."""
        home = self.stand.lab.home.path
        held = Fault("held_reply", provider, "create", type)
        with running_up(self.stand.root, home, stack, held, "held back") as running:
            (lock,) = locks_of(self.stand.workspace, stack)
            os.kill(lock.pid, signal.SIGKILL)
            said, _ = running.communicate(timeout=60)
            assert running.returncode == 1, said
            assert f"fleet orphans adopt {self.servers()[0]}, or fleet orphans delete {self.servers()[0]}" in said
        return lock

    def servers(self) -> list[str]:
        """The ids of the servers that the clouds have."""
        return [entry.id for entry in servers(self.stand.lab.home.path)]

    def stacks_ids(self, stack: str) -> list[str]:
        deployment = selected(self.stand.workspace, stack).export_stack().deployment or {}
        return [resource["id"] for resource in deployment["resources"] if "id" in resource]


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Rehearsal]]:
    """``rehearse("hub", "nj")``: a fleet with these regions open, nothing of it up yet."""
    try:
        engine()
    except EngineError:
        pytest.skip("no engine on this machine (make engine builds one)")
    home = LabHome(tmp_path / "lab")
    home.configure(servers=False)
    with listing.started(home):
        yield lambda *regions: Rehearsal(prepare(Lab(home), lambda line: None, regions))


@pytest.mark.parametrize(
    ("provider", "region", "host", "certain"),
    [
        ("vultr", "nj", "nj", True),
        # DigitalOcean's reserved addresses carry no tags: nothing says whose it is.
        ("digitalocean", "sg", None, False),
    ],
)
def test_an_address_whose_reply_was_lost_is_named_and_adopted(
    rehearse: Callable[..., Rehearsal], provider: str, region: str, host: str | None, certain: bool
) -> None:
    rehearsal = rehearse("hub", region)
    rehearsal.lose_reply(provider, "ReservedIp")
    assert not rehearsal.up("addresses").ok

    (orphan,) = rehearsal.orphans()

    assert (orphan["what"], orphan["host"], orphan["certain"]) == ("address", host, certain)
    summary = count_orphans(rehearsal.stand.configuration, rehearsal.stand.workspace)
    assert (summary.servers, summary.addresses, summary.uncertain) == (0, 1, 0 if certain else 1)

    code, text = rehearsal.fleet("orphans", "adopt", orphan["id"], "--yes")
    assert (code, text.split()[:3]) == (0, ["pulumi", "import", orphan["type"]])

    again = rehearsal.up("addresses")
    assert (again.errors, dict(again.changes)) == ((), {})
    assert [entry.id for entry in addresses(rehearsal.stand.lab.home.path)] == [orphan["id"]]
    assert rehearsal.orphans() == []


def test_addresses_whose_state_was_lost_are_taken_in_again(rehearse: Callable[..., Rehearsal]) -> None:
    rehearsal = rehearse("hub", "nj")
    assert rehearsal.up("addresses").ok
    for file in (rehearsal.stand.lab.home.path / "state" / ".pulumi" / "stacks" / "fleet").glob("addresses.*"):
        file.unlink()
    (orphan,) = rehearsal.orphans()

    code, text = rehearsal.fleet("orphans", "adopt", orphan["id"], "--yes")

    assert (code, text.startswith("pulumi stack init addresses && pulumi import ")) == (0, True)
    again = rehearsal.up("addresses")
    assert (again.errors, dict(again.changes)) == ((), {})
    assert [entry.address for entry in addresses(rehearsal.stand.lab.home.path)] == [orphan["address"]]


def test_a_server_whose_reply_was_lost_stops_the_next_run(rehearse: Callable[..., Rehearsal]) -> None:
    rehearsal = rehearse("hub", "nj")
    assert rehearsal.up("addresses").ok
    rehearsal.lose_reply("vultr", "Instance")
    assert not rehearsal.up("nj").ok

    (orphan,) = rehearsal.orphans()
    assert (orphan["name"], orphan["plan"], orphan["monthly_usd"]) == ("nj", "vhp-4c-8gb-amd", "48")
    code, text = rehearsal.fleet("orphans")
    assert (code, orphan["id"] in text) == (0, True)
    assert f"fleet orphans adopt {orphan['id']}" in rehearsal.refusal_of("up", "nj")
    assert rehearsal.servers() == [orphan["id"]]


def test_a_server_that_a_killed_engine_made_goes_on_as_if_nothing_had_happened(
    rehearse: Callable[..., Rehearsal],
) -> None:
    rehearsal = rehearse("hub", "nj")
    assert rehearsal.up("addresses").ok
    lock = rehearsal.kill_engine_after_create("nj", "vultr", "Instance")

    (orphan,) = rehearsal.orphans()
    assert (orphan["host"], orphan["interrupted_in"], orphan["monthly_usd"]) == ("nj", "nj", "48")
    assert rehearsal.servers() == [orphan["id"]]
    refused = rehearsal.refusal_of("up", "nj")
    assert f"(pid {lock.pid}) since {lock.since}, which does not run any more" in refused
    assert "fleet unlock nj" in refused
    assert f"fleet orphans adopt {orphan['id']} - or: fleet orphans delete {orphan['id']}" in refused
    # The engine's own words would offer to cancel whatever runs.
    assert "fleet unlock nj" in rehearsal.refusal_of("orphans", "adopt", orphan["id"], "--yes")

    assert rehearsal.fleet("unlock", "nj")[0] == 0
    assert rehearsal.fleet("orphans", "adopt", orphan["id"], "--yes")[0] == 0

    assert orphan["id"] in rehearsal.stacks_ids("nj")
    assert json.loads(rehearsal.fleet("orphans", "--json")[1])["interrupted"] == []
    next_run = preview(rehearsal.stand.workspace, "nj", lambda stack, line: None)
    # What is left to create is what is on the server: its base, its node in the mesh, its four bundles.
    assert (next_run.errors, dict(next_run.changes)) == ((), {"create": 6})


def test_a_droplet_that_a_killed_engine_made_is_deleted_after_its_id_was_typed(
    rehearse: Callable[..., Rehearsal],
) -> None:
    rehearsal = rehearse("hub", "sg")
    assert rehearsal.up("addresses").ok
    rehearsal.kill_engine_after_create("sg", "digitalocean", "Droplet")
    (orphan,) = rehearsal.orphans()
    assert orphan["interrupted_in"] == "sg"

    # A droplet's name is no hindrance to a second one with the same keys.
    assert f"fleet orphans adopt {orphan['id']}" in rehearsal.refusal_of("up", "sg")
    assert rehearsal.servers() == [orphan["id"]]

    # While a run may be making it, nothing is deleted.
    assert "fleet unlock sg" in rehearsal.refusal_of("orphans", "delete", orphan["id"], "--confirm", orphan["id"])
    assert rehearsal.fleet("unlock", "sg")[0] == 0
    code, text = rehearsal.fleet("orphans", "delete", orphan["id"], "--confirm", "yes")
    assert (code, rehearsal.servers()) == (3, [orphan["id"]])
    assert text.endswith("not confirmed: nothing was changed\n")

    assert rehearsal.fleet("orphans", "delete", orphan["id"], "--confirm", orphan["id"])[0] == 0

    assert rehearsal.servers() == []
    assert rehearsal.orphans() == []
    assert count_orphans(rehearsal.stand.configuration, rehearsal.stand.workspace).lines() == ()
