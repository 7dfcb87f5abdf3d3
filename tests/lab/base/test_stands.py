"""The hosts of the demo, by real engine and on real hosts: it stands, changes nothing twice, comes back by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleet.adoption.survey import survey
from fleet.operation.take_down import take_down
from fleet.orphans.search import search
from fleet.rehearsal.demo import wait_for_mesh
from infra.adapter import HostPart
from infra.guest import WouldClosePorts
from infra.visit import first_visit
from tests.lab.fleet import StandingFleet, hub_as_it_is, raise_generation, tell

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]


def test_every_host_answers_every_other_one_over_the_mesh(fleet: StandingFleet) -> None:
    hosts = fleet.stand.hosts()
    assert [host.ref.id for host in hosts] == ["hub", "nj", "sg"]
    assert wait_for_mesh(fleet.stand, hosts).problems == ()


def test_a_second_up_changes_nothing_and_a_refresh_finds_nothing(fleet: StandingFleet) -> None:
    assert {name: run.changed for name, run in fleet.up().items()} == {"addresses": 0, "hub": 0, "nj": 0, "sg": 0}
    fleet.refresh()
    assert {name: run.changed for name, run in fleet.up().items()} == {"addresses": 0, "hub": 0, "nj": 0, "sg": 0}


def test_adopting_the_hub_left_everything_of_its_own_as_it_was(fleet: StandingFleet) -> None:
    assert hub_as_it_is(fleet.lab) == fleet.hub_before


def test_adoption_names_the_ports_that_it_would_close(fleet: StandingFleet) -> None:
    def declare_nothing(document: dict) -> None:  # type: ignore[type-arg]
        del document["config"]["fleet:hosts"]["main"]["public_ports"]

    kept = (fleet.stand.root / "Pulumi.hub.yaml").read_text()
    fleet.edit("Pulumi.hub.yaml", declare_nothing)
    try:
        configuration = fleet.stand.configuration
        hub = configuration.hosts_of("hub")[0]
        found = survey(configuration, hub, fleet.stand.vault)
    finally:
        (fleet.stand.root / "Pulumi.hub.yaml").write_text(kept)
    assert [port.name for port in found.would_close] == ["8080/tcp"]
    assert "container" in found.would_close[0].by
    assert found.unsettled(given_up=["8080/tcp"]) == ()
    assert "22/tcp" in [port.name for port in found.kept_open]


def test_a_first_visit_refuses_to_close_a_port_in_use_that_nobody_declared(
    fleet: StandingFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ROOT", str(fleet.stand.root))
    base = fleet.recorded("hub", "BaseHost::hub")["inputs"]
    undeclared = {**base, "settled_ports": [name for name in base["settled_ports"] if name != "8080/tcp"]}
    before = hub_as_it_is(fleet.lab)
    with pytest.raises(WouldClosePorts, match=r"8080/tcp \(container .*Nothing was changed.*fleet adopt hub"):
        first_visit(HostPart.from_inputs(undeclared))
    assert hub_as_it_is(fleet.lab) == before


def test_what_is_taken_away_on_a_host_shows_in_a_refresh_and_comes_back(fleet: StandingFleet) -> None:
    fleet.on("nj", "rm", "/etc/systemd/journald.conf.d/10-fleet.conf")
    fleet.on("nj", "nft", "delete", "table", "inet", "fleet")
    fleet.refresh("nj")
    assert fleet.preview("nj")["nj"].changes == {"update": 1}
    fleet.up("nj")
    assert "table inet fleet" in fleet.on("nj", "nft", "list", "tables")
    fleet.on("nj", "test", "-f", "/etc/systemd/journald.conf.d/10-fleet.conf")
    assert fleet.up("nj")["nj"].changed == 0


def test_the_venue_sees_the_exported_address_also_after_a_reboot(fleet: StandingFleet, eventually: Eventually) -> None:
    assert fleet.seen_by_the_venue() == {"hub": True, "nj": True, "sg": True}
    for host in ("nj", "sg"):
        fleet.on(host, "systemctl", "reboot")
    eventually(lambda: all(fleet.seen_by_the_venue().values()))
    eventually(lambda: not wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems)
    states = {
        host: fleet.lab.run(host, ["systemctl", "is-active", "docker.service"]).stdout.strip() for host in ("nj", "sg")
    }
    assert states == {"nj": "active", "sg": "active"}
    order = fleet.on("nj", "systemctl", "show", "-p", "After", "docker.service")
    assert "fleet-mesh.target" in order


@pytest.mark.parametrize(
    ("rebuilt", "others", "followed_by"),
    [
        # New Jersey keeps the database's copies, and the hub, which brings them there, must know its new host key.
        ("nj", ("hub", "sg"), {"hub": 1}),
        ("sg", ("hub", "nj"), {}),
    ],
    ids=["nj", "sg"],
)
def test_a_rebuilt_server_keeps_its_address_and_comes_back_without_touching_the_others(
    fleet: StandingFleet, rebuilt: str, others: tuple[str, str], followed_by: dict[str, int]
) -> None:
    before = fleet.configured(*others)
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    fleet.on(rebuilt, "touch", "/root/of-the-old-server")

    raise_generation(fleet, rebuilt)
    run = fleet.up(rebuilt)[rebuilt]

    assert any("generation 1 -> 2" in warning for warning in run.warnings)
    assert fleet.lab.run(rebuilt, ["test", "-e", "/root/of-the-old-server"]).code == 1
    assert {host.ref.id: host.address for host in fleet.stand.hosts()} == addresses
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    assert fleet.seen_by_the_venue() == {"hub": True, "nj": True, "sg": True}
    assert fleet.configured(*others) == before
    assert {name: run.changed for name, run in fleet.up().items() if run.changed} == followed_by
    assert fleet.configured(*others) == before


def test_a_server_that_its_provider_lost_comes_back_whole(fleet: StandingFleet) -> None:
    before = fleet.configured("hub", "sg")
    addresses = {host.ref.id: host.address for host in fleet.stand.hosts()}
    found = search(fleet.stand.configuration, fleet.stand.workspace)
    [lost] = [owned for owned in found.source_of if (owned.what, owned.host) == ("server", "nj")]
    found.listings[found.source_of[lost]].delete(lost)

    fleet.refresh("nj")
    fleet.up("nj")

    # The state knew of its base and its node all the time; the server that stands now had nothing of them.
    assert {host.ref.id: host.address for host in fleet.stand.hosts()} == addresses
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
    assert fleet.seen_by_the_venue() == {"hub": True, "nj": True, "sg": True}
    assert fleet.configured("hub", "sg") == before
    assert {name: run.changed for name, run in fleet.up().items()} == {"addresses": 0, "hub": 0, "nj": 0, "sg": 0}


def test_a_guest_leaves_nothing_of_its_own_behind_and_may_come_again(fleet: StandingFleet) -> None:
    folders = ("/etc/systemd/system", "/etc/wireguard", "/etc/fleet", "/etc/sysctl.d", "/usr/local/lib/fleet")
    try:
        assert take_down(fleet.stand.workspace, "hub", tell).errors == ()
        assert hub_as_it_is(fleet.lab) == fleet.hub_before
        assert "inet fleet" not in fleet.on("hub", "nft", "list", "tables")
        assert "wg0" not in fleet.on("hub", "ip", "-brief", "link")
        left = fleet.on("hub", "find", *folders, "-type", "f", "(", "-name", "*fleet*", "-o", "-path", "*/fleet/*", ")")
        assert left == ""
        assert "fleet-" not in fleet.on("hub", "docker", "ps", "--all", "--format", "{{.Names}}")
    finally:
        fleet.up("hub")
    assert wait_for_mesh(fleet.stand, fleet.stand.hosts()).problems == ()
