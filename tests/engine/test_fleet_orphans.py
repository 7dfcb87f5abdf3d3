"""``fleet orphans`` from end to end: the real engine, a lab without servers, replies that are lost after a create."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fleet.cli.main import app
from fleet.engine import EngineError
from fleet.operation.run import StackRun, preview, selected, up
from fleet.orphans import count_orphans
from fleet.orphans.second_server import SecondServer
from fleet.rehearsal.stand import Stand, prepare
from fleet.workspace.engine_path import engine
from lab.cloud import listing
from lab.cloud.inventory import addresses, servers
from lab.faults import Fault, fail
from lab.lab import Lab
from lab.settings import LabHome

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


def test_a_server_whose_reply_was_lost_goes_on_as_if_it_had_come(rehearse: Callable[..., Rehearsal]) -> None:
    rehearsal = rehearse("hub", "nj")
    assert rehearsal.up("addresses").ok
    rehearsal.lose_reply("vultr", "Instance")
    assert not rehearsal.up("nj").ok
    interrupt(rehearsal.stand, "nj", "vultr:index/instance:Instance", "fleet:servers:Vultr")

    (orphan,) = rehearsal.orphans()
    assert (orphan["name"], orphan["plan"], orphan["monthly_usd"]) == ("nj", "vhp-4c-8gb-amd", "48")
    code, text = rehearsal.fleet("orphans")
    assert code == 0
    assert orphan["id"] in text

    assert rehearsal.fleet("orphans", "adopt", orphan["id"], "--yes")[0] == 0

    assert orphan["id"] in rehearsal.stacks_ids("nj")
    assert json.loads(rehearsal.fleet("orphans", "--json")[1])["interrupted"] == []
    next_run = preview(rehearsal.stand.workspace, "nj", lambda stack, line: None)
    # What is left to create is what is on the server: its base, its node in the mesh, its four bundles.
    assert (next_run.errors, dict(next_run.changes)) == ((), {"create": 6})


def test_a_droplet_is_deleted_after_its_id_was_typed(rehearse: Callable[..., Rehearsal]) -> None:
    rehearsal = rehearse("hub", "sg")
    home = rehearsal.stand.lab.home.path
    assert rehearsal.up("addresses").ok
    rehearsal.lose_reply("digitalocean", "Droplet")
    assert not rehearsal.up("sg").ok
    interrupt(rehearsal.stand, "sg", "digitalocean:index/droplet:Droplet", "fleet:servers:DigitalOcean")
    (orphan,) = rehearsal.orphans()
    assert orphan["interrupted_in"] == "sg"

    # A droplet's name is no hindrance to a second one with the same keys.
    refused = CliRunner().invoke(app, ["up", "sg", "--root", str(rehearsal.stand.root)]).exception
    assert isinstance(refused, SecondServer), refused
    assert f"fleet orphans adopt {orphan['id']}" in str(refused)
    assert [entry.id for entry in servers(home)] == [orphan["id"]]

    code, text = rehearsal.fleet("orphans", "delete", orphan["id"], "--confirm", "yes")
    assert (code, orphan["id"] in {entry.id for entry in servers(home)}) == (3, True)
    assert text.endswith("not confirmed: nothing was changed\n")

    assert rehearsal.fleet("orphans", "delete", orphan["id"], "--confirm", orphan["id"])[0] == 0

    assert orphan["id"] not in {entry.id for entry in servers(home)}
    assert rehearsal.orphans() == []
    assert count_orphans(rehearsal.stand.configuration, rehearsal.stand.workspace).lines() == ()


def interrupt(stand: Stand, stack: str, type: str, component: str) -> None:
    """Put into the state what an engine leaves there that was killed while it created the stack's server.

    Written into the backend's file: the engine's own import drops unfinished operations.
    """
    file = stand.lab.home.path / "state" / ".pulumi" / "stacks" / "fleet" / f"{stack}.json"
    document = json.loads(file.read_text())
    urn = f"urn:pulumi:{stack}::fleet::{component}${type}::{stack}"
    pending = [{"type": "creating", "resource": {"urn": urn, "custom": True, "type": type}}]
    document["checkpoint"]["latest"]["pending_operations"] = pending
    file.write_text(json.dumps(document))
