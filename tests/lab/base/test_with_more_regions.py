"""New regions join a standing fleet, London on a bare Debian, Tokyo at EC2, Frankfurt at Lightsail, and leave again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.operation.run import selected
from fleet.operation.take_down import take_down
from fleet.rehearsal.demo import wait_for_mesh
from lab import registry
from tests.lab.fleet import StandingFleet, raise_generation, tell

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

STANDING = ("hub", "nj", "sg")


def open_region(fleet: StandingFleet, region: str) -> None:
    """Reserve a region's address, as a person who opens it does."""

    def reserve(document: dict[str, Any]) -> None:
        regions = document["config"]["fleet:regions"]
        if region not in regions:
            regions.append(region)

    fleet.edit("Pulumi.addresses.yaml", reserve)
    fleet.up("addresses")


def set_host(fleet: StandingFleet, region: str, host: dict[str, Any]) -> None:
    """Choose another server for a region."""
    fleet.edit(f"Pulumi.{region}.yaml", lambda document: document["config"]["fleet:hosts"].update(main=host))


def test_opening_london_touches_no_other_host_and_installs_all_packages_itself(fleet: StandingFleet) -> None:
    # London's server has nothing but Debian, sshd, cloud-init and Python: every package comes from the archive.
    fleet.lab.home.configure(images={"ldn": "bare"})
    fleet.lab.up(print)
    open_region(fleet, "ldn")
    before = fleet.configured(*STANDING)

    fleet.up("ldn")

    assert fleet.on("ldn", "systemctl", "is-active", "docker.service").strip() == "active"
    # The lab's registry is known and trusted there too.
    fleet.on("ldn", "docker", "pull", "--quiet", registry.images(fleet.lab.home)["redis"])
    assert fleet.configured(*STANDING) == before
    # Reachable from everywhere although nobody was told its address: it calls, and they learn.
    for host in STANDING:
        fleet.on(host, "ping", "-c", "1", "-w", "30", fleet.mesh_address("ldn"))

    previews = fleet.preview(*STANDING)
    assert {name: dict(run.changes) for name, run in previews.items()} == {name: {"update": 1} for name in STANDING}
    fleet.up()
    new = fleet.configured("nj")["nj"].splitlines()
    address = next(host.address for host in fleet.stand.hosts() if host.ref.id == "ldn")
    old = before["nj"].splitlines()
    assert [line for line in new if line not in old] == [f"Endpoint = {address}:{wireguard_port(fleet)}"]
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()


def wireguard_port(fleet: StandingFleet) -> int:
    mesh = fleet.stand.configuration.fleet.mesh
    return mesh.epoch.port(mesh.port)


def test_an_ec2_and_a_lightsail_server_join_and_are_seen_by_their_static_addresses(
    fleet: StandingFleet, eventually: Eventually
) -> None:
    set_host(fleet, "tyo", {"provider": "aws", "service": "ec2", "location": "ap-northeast-1", "plan": "t3.large"})
    lightsail = {"provider": "aws", "service": "lightsail", "location": "eu-central-1", "plan": "medium_3_0"}
    set_host(fleet, "fra", {**lightsail, "image": "debian-12"})
    open_region(fleet, "tyo")
    open_region(fleet, "fra")

    fleet.up("tyo", "fra")

    seen = fleet.seen_by_the_venue()
    assert seen["tyo"]
    assert seen["fra"]
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    assert {name: run.changed for name, run in fleet.up("tyo", "fra").items()} == {"tyo": 0, "fra": 0}

    # The endpoints of the new regions arrive with everybody's next up.
    fleet.up()
    assert all(run.changed == 0 for run in fleet.up().values())

    for host in ("tyo", "fra"):
        fleet.on(host, "systemctl", "reboot")
    eventually(lambda: not wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems)
    assert all(fleet.seen_by_the_venue().values())


def test_no_change_beside_an_aws_server_replaces_it(fleet: StandingFleet, tmp_path: Path) -> None:
    def another_operator(document: dict[str, Any]) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
        document["operators"].setdefault("keys", {})["somebody"] = key

    kept = (fleet.stand.root / "fleet.yaml").read_text()
    states = {region: selected(fleet.stand.workspace, region).export_stack() for region in ("tyo", "fra")}
    another_first_boot = {
        "cloud-init/first-boot.yaml.j2": ("package_upgrade: false", "package_upgrade: true"),
        "cloud-init/first-boot.sh.j2": ("set -eu", "set -eux"),
    }
    fleet.edit("fleet.yaml", another_operator)
    # As after a point release: the image of the same name has another number at the provider.
    other_image(fleet, "tyo", "aws:ec2/instance:Instance", "ami")
    other_image(fleet, "fra", "aws:lightsail/instance:Instance", "blueprintId")
    try:
        with fleet.with_templates(tmp_path, another_first_boot):
            previews = fleet.preview("tyo", "fra")
        # The one update is the host's base, which gets the operator's key over ssh.
        assert {name: dict(run.changes) for name, run in previews.items()} == {
            "tyo": {"update": 1},
            "fra": {"update": 1},
        }
    finally:
        (fleet.stand.root / "fleet.yaml").write_text(kept)
        for region, state in states.items():
            selected(fleet.stand.workspace, region).import_stack(state)
    assert all(run.changed == 0 for run in fleet.preview("tyo", "fra").values())


def other_image(fleet: StandingFleet, region: str, type: str, field: str) -> None:
    """Let a stack's state say that its server was made from an image which the provider gives no more."""
    stack = selected(fleet.stand.workspace, region)
    state = stack.export_stack()
    machine = next(entry for entry in (state.deployment or {})["resources"] if entry["type"] == type)
    assert machine["inputs"][field] == machine["outputs"][field]
    machine["inputs"][field] = machine["outputs"][field] = f"{machine['inputs'][field]}-before"
    stack.import_stack(state)


def test_rebuilt_servers_at_aws_keep_the_addresses_that_the_venue_sees(fleet: StandingFleet) -> None:
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    others = [host for host in addresses if host not in ("tyo", "fra")]
    before = fleet.configured(*others)
    for region in ("tyo", "fra"):
        fleet.on(region, "touch", "/root/of-the-old-server")
        raise_generation(fleet, region)

    runs = fleet.up("tyo", "fra")

    for region, run in runs.items():
        assert any("generation 1 -> 2" in warning for warning in run.warnings)
        assert fleet.lab.run(fleet.server(region), ["test", "-e", "/root/of-the-old-server"]).code == 1
    assert {host.ref.id: host.address for host in fleet.stand.hosts()} == addresses
    assert all(fleet.seen_by_the_venue().values())
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    assert fleet.configured(*others) == before
    assert all(run.changed == 0 for run in fleet.up().values())


def test_a_region_is_given_up_and_nothing_of_it_is_paid_for(fleet: StandingFleet) -> None:
    # As docs/runbooks/remove-a-region.md says.
    given_up = ("ldn", "tyo", "fra")
    workspace = fleet.stand.workspace
    for region in given_up:
        assert take_down(workspace, region, tell).errors == ()
    recorded = selected(workspace, "addresses").export_stack().deployment["resources"]
    urns = [entry["urn"] for entry in recorded if entry.get("protect") and entry["urn"].endswith(tuple(given_up))]
    assert len(urns) == len(given_up)
    for urn in urns:
        fleet.engine("state", "unprotect", urn, "--stack", "addresses", "--yes")
    fleet.edit("Pulumi.addresses.yaml", lambda document: document["config"].update({"fleet:regions": [*STANDING]}))
    assert dict(fleet.up("addresses")["addresses"].changes) == {"delete": len(given_up)}

    assert {host.ref.id for host in fleet.stand.hosts()} == set(STANDING)
    assert {server.name for server in fleet.lab.status().hosts} == {*STANDING, "venue"}
    fleet.up()
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
