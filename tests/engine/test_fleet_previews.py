"""The fleet's own programs with the real engine, in a lab without servers: what previews show, what errors say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.catalogue.price_reading import load_prices
from fleet.configuration import load
from fleet.operation.run import StackRun, preview, refresh, selected, up
from fleet.preview.listening import Listening
from fleet.preview.outlook import outlook
from fleet.workspace import Workspace
from lab.cloud.faults import Fault, add_fault, clear_faults
from tests.engine.fleet_fixtures import create_servers, fleet_on_paper

pytestmark = pytest.mark.engine

REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")


@dataclass
class Paper:
    """A fleet whose servers exist on paper: clouds and engine are there, hosts are not."""

    home: Path
    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root)

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        document = yaml.safe_load((self.root / name).read_text())
        change(document)
        (self.root / name).write_text(yaml.safe_dump(document, sort_keys=False))

    def host(self, region: str, **values: Any) -> None:
        """Choose another server for a region."""
        kept = {key: value for key, value in values.items() if value is not None}
        self.edit(f"Pulumi.{region}.yaml", lambda document: document["config"]["fleet:hosts"].update(main=kept))

    def up(self, stack: str) -> StackRun:
        return up(self.workspace, stack, tell)

    def preview(self, stack: str) -> StackRun:
        return preview(self.workspace, stack, tell)

    def create_servers(self, stack: str) -> None:
        """Bring a stack's provider resources up; there is no host on which its parts could be applied."""
        create_servers(self.workspace, stack)


def tell(stack: str, line: str) -> None:
    print(f"{stack}: {line}")


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    home, root = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("project")
    fleet_on_paper(home, root, REGIONS)
    made = Paper(home, root)
    assert made.up("addresses").errors == ()
    return made


def test_every_stack_previews_and_addresses_stay_as_they_are(paper: Paper) -> None:
    listening = Listening()
    runs = {region: listening(paper.workspace, region, tell) for region in REGIONS}
    for region, run in runs.items():
        assert run.errors == (), region
        # Stack, providers and component aside: hub 2; a rented host has key, firewall, machine and its two parts.
        assert run.changes["create"] >= (2 if region == "hub" else 6)
    configuration = load(paper.root)
    prices = load_prices(configuration.catalogue)
    found = outlook(listening.plans(runs.values()), REGIONS, configuration, prices, date(2026, 11, 23))
    # The hub's 30 stand; four servers of 48 and two of 24 come. Addresses are in a stack of their own.
    assert (found.changes.before_usd, found.changes.after_usd) == (30, 270)
    assert (found.standing, found.added) == (("hub",), REGIONS[1:])
    assert {("nj", "alpaca"), ("tyo", "binance")} <= {(row.gain.region, row.gain.site) for row in found.closer}
    assert paper.up("addresses").changed == 0
    assert refresh(paper.workspace, "addresses", tell).errors == ()
    assert paper.up("addresses").changed == 0


@pytest.mark.parametrize(
    "host",
    [
        {"provider": "aws", "service": "ec2", "location": "ap-northeast-1", "plan": "t3.large"},
        {
            "provider": "aws",
            "service": "lightsail",
            "location": "ap-northeast-1",
            "plan": "medium_3_0",
            "image": "debian-12",
        },
    ],
    ids=["ec2", "lightsail"],
)
def test_tokyo_may_stand_at_aws(paper: Paper, host: dict[str, str]) -> None:
    kept = (paper.root / "Pulumi.tyo.yaml").read_text()
    paper.host("tyo", **host)
    try:
        # The address of another provider is another resource: the old one is protected, and says so.
        run = paper.preview("tyo")
        assert run.errors == ()
    finally:
        (paper.root / "Pulumi.tyo.yaml").write_text(kept)


def test_nothing_that_changes_beside_the_server_replaces_it(paper: Paper) -> None:
    paper.create_servers("nj")
    paper.create_servers("sg")
    kept = (paper.root / "fleet.yaml").read_text()

    def other_people(document: dict[str, Any]) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
        document["operators"]["keys"] = {"somebody": key}
        # The first-boot script names the login user: another one is another script.
        document["deploy_user"] = "operator"

    paper.edit("fleet.yaml", other_people)
    try:
        for region in ("nj", "sg"):
            assert set(paper.preview(region).changes) <= {"create"}, "the two parts of a host that is not there"
    finally:
        (paper.root / "fleet.yaml").write_text(kept)


def test_a_new_image_at_the_provider_replaces_nothing(paper: Paper) -> None:
    # As after a point release: the provider's image of the same name has another number.
    paper.create_servers("nj")
    state = selected(paper.workspace, "nj").export_stack()
    machine = next(r for r in state.deployment["resources"] if r["type"] == "vultr:index/instance:Instance")
    assert machine["inputs"]["osId"] == machine["outputs"]["osId"]
    machine["inputs"]["osId"] = machine["outputs"]["osId"] = machine["inputs"]["osId"] - 1
    selected(paper.workspace, "nj").import_stack(state)
    assert set(paper.preview("nj").changes) <= {"create"}, "the two parts of a host that is not there"


@pytest.mark.parametrize(("region", "provider"), [("nj", "vultr"), ("sg", "digitalocean")])
def test_a_rebuild_is_refused_while_the_provider_has_no_room(paper: Paper, region: str, provider: str) -> None:
    paper.create_servers(region)
    file = f"Pulumi.{region}.yaml"
    kept = (paper.root / file).read_text()
    paper.edit(file, lambda document: document["config"]["fleet:hosts"]["main"].update(generation=2))
    add_fault(paper.home, Fault("capacity", provider))
    try:
        run = paper.preview(region)
    finally:
        clear_faults(paper.home)
        (paper.root / file).write_text(kept)
    [refusal] = run.errors
    assert f"{region}: the provider has no room for plan" in refusal
    assert "nothing was destroyed" in refusal
    assert "Alternatives: " in refusal


def test_a_raised_generation_replaces_the_server_and_says_so(paper: Paper) -> None:
    kept = (paper.root / "Pulumi.nj.yaml").read_text()
    paper.edit("Pulumi.nj.yaml", lambda document: document["config"]["fleet:hosts"]["main"].update(generation=2))
    try:
        run = paper.preview("nj")
    finally:
        (paper.root / "Pulumi.nj.yaml").write_text(kept)
    assert run.errors == ()
    assert run.changes["replace"] == 1
    assert any("generation 1 -> 2: this server is destroyed and built anew" in text for text in run.warnings)


def test_a_rate_limit_is_repeated_until_it_is_over(paper: Paper) -> None:
    # More refusals than the provider's own client repeats: the error hook of every resource goes on.
    add_fault(paper.home, Fault("http", "vultr", "create", "vultr:index/sSHKey:SSHKey", 429, 6))
    try:
        paper.create_servers("chi")
    finally:
        clear_faults(paper.home)


def test_a_failed_call_and_missing_capacity_are_one_clear_error_each(paper: Paper) -> None:
    droplet = "digitalocean:index/droplet:Droplet"
    for fault, wanted in (
        (Fault("http", "digitalocean", "create", droplet, 500, 1), "500"),
        (Fault("capacity", "digitalocean", "create", droplet, None, 1), "s-2vcpu-4gb"),
    ):
        add_fault(paper.home, fault)
        try:
            run = paper.up("ldn")
        finally:
            clear_faults(paper.home)
        about_it = [error for error in run.errors if "ldn" in error and wanted in error]
        assert about_it, run.errors
        assert "Traceback" not in "".join(run.errors)
    # Plan, place, and what else there is: at the same site, and at another provider.
    [explained] = [error for error in run.errors if "Alternatives" in error]
    assert "no room for plan s-2vcpu-4gb in lon1" in explained
    assert re.search(r"digitalocean \S+ in lon1 \(\$\d+\.\d\d a month\)", explained)
    assert re.search(r"vultr \S+ in lhr \(\$\d+\.\d\d a month\)", explained)


def test_a_wrong_passphrase_and_missing_addresses_are_one_clear_line(paper: Paper) -> None:
    assert paper.preview("nj").errors == ()  # the stack is there, under the right passphrase
    workspace = paper.workspace
    kept = workspace.passphrase_file.read_text()
    workspace.passphrase_file.write_text("another\n")
    try:
        errors = paper.preview("nj").errors
    finally:
        workspace.passphrase_file.write_text(kept)
    assert len(errors) == 1
    assert "passphrase" in errors[0]
    assert "\n" not in errors[0]

    other = paper.root.parent / "empty-backend"
    other.mkdir(exist_ok=True)
    settings = paper.root / ".fleet" / "settings.yaml"
    text = settings.read_text()
    document = yaml.safe_load(text)
    document["backend"] = document["environment"]["PULUMI_BACKEND_URL"] = f"file://{other}"
    settings.write_text(yaml.safe_dump(document))
    try:
        errors = paper.preview("nj").errors
    finally:
        settings.write_text(text)
    assert len(errors) == 1
    assert errors[0].endswith("it was never brought up. Run: pulumi up -s addresses")


def test_a_broken_configuration_stops_the_program_with_the_whole_report(paper: Paper) -> None:
    kept = (paper.root / "Pulumi.nj.yaml").read_text()
    paper.host("nj", provider="vultr", location="ewr", plan="vhp-4c-8gb-amdd")
    try:
        errors = paper.preview("nj").errors
    finally:
        (paper.root / "Pulumi.nj.yaml").write_text(kept)
    assert "vhp-4c-8gb-amdd" in "\n".join(errors)
    assert "Traceback" not in "\n".join(errors)
    load(paper.root)


def test_an_unknown_stack_is_refused_by_the_program(paper: Paper) -> None:
    errors = paper.preview("mars").errors
    assert "mars" in errors[0]
    assert "Traceback" not in "".join(errors)
    (paper.root / "Pulumi.mars.yaml").unlink()
