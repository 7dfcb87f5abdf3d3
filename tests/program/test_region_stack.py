"""What the stack of a region consists of, resource by resource and option by option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.program.recording import Recording, is_secret, plain

pytestmark = pytest.mark.program

VULTR = "vultr:index/instance:Instance"
DROPLET = "digitalocean:index/droplet:Droplet"
BASE = "pulumi-python:dynamic/infra:BaseHost"
MESH = "pulumi-python:dynamic/infra:MeshNode"
BUNDLE = "pulumi-python:dynamic/infra:BundleRelease"

Run = Callable[..., Recording]
Edit = Callable[[str, Callable[[dict[str, Any]], None]], None]


def declared(recorded: Recording) -> list[str]:
    """Types of what a run has declared, without the providers that it started."""
    return [each.type for each in recorded.resources if not each.type.startswith("pulumi:providers:")]


def main_host(document: dict[str, Any]) -> dict[str, Any]:
    host: dict[str, Any] = document["config"]["fleet:hosts"]["main"]
    return host


def test_a_vultr_region_is_a_key_a_firewall_an_instance_a_base_and_a_mesh_node(run_stack: Run) -> None:
    recorded = run_stack("nj")

    assert recorded.error is None
    instance = recorded.one(VULTR)
    assert instance.inputs["plan"] == "vhp-4c-8gb-amd"
    assert instance.inputs["region"] == "ewr"
    assert instance.inputs["reservedIpId"] == "nj-handle"
    assert instance.inputs["tags"] == ["fleet:fleet", "host:nj"]
    assert recorded.one("vultr:index/sSHKey:SSHKey").inputs["sshKey"].startswith("ssh-ed25519 ")
    rules = recorded.of("vultr:index/firewallRule:FirewallRule")
    assert {(rule.inputs["protocol"], rule.inputs.get("port")) for rule in rules} == {
        ("udp", "51820:51821"),
        ("icmp", None),
    }, "ssh is open to nobody before an operator's address is known"
    assert recorded.one(BASE).inputs["address"] == "198.18.0.11"
    assert recorded.one(MESH).inputs["address"] == "198.18.0.11"


def test_bundles_follow_their_hosts_mesh_node_one_after_the_other(run_stack: Run) -> None:
    recorded = run_stack("nj")
    bundles = recorded.of(BUNDLE)
    assert [bundle.name for bundle in bundles] == ["nj-questdb", "nj-redis", "nj-trading", "nj-data"]
    questdb, redis = bundles[:2]
    assert recorded.one(MESH).name in "".join(questdb.request.dependencies)
    assert "nj-questdb" in "".join(redis.request.dependencies)
    # Every file that lands on the host is there to be read in a preview, with references in place of secrets.
    assert "QDB_LINE_TCP_ENABLED" in questdb.inputs["files"]["compose.yaml"]
    assert questdb.inputs["files"]["secrets/reader"].startswith("secret:password/questdb/reader#")
    assert questdb.inputs["address"] == "198.18.0.11"


def test_an_image_without_a_digest_ends_the_run_with_the_command_that_pins_it(run_stack: Run, edit: Edit) -> None:
    edit("images.yaml", lambda images: images["questdb"].pop("digest"))
    error = run_stack("nj").error
    assert "fleet images pin questdb" in str(error)


def test_a_server_is_protected_and_ignores_whatever_would_replace_it(run_stack: Run) -> None:
    instance = run_stack("nj").one(VULTR)
    assert instance.protect
    assert {"userData", "sshKeyIds", "osId", "hostname"} <= instance.ignored
    assert instance.request.deleteBeforeReplace

    droplet = run_stack("sg").one(DROPLET)
    assert droplet.protect
    assert {"userData", "sshKeys", "image"} <= droplet.ignored


@pytest.mark.parametrize(
    ("stack", "kind", "field"),
    [("nj", "vultr:index/sSHKey:SSHKey", "sshKey"), ("sg", "digitalocean:index/sshKey:SshKey", "publicKey")],
)
def test_the_registered_key_lets_nobody_in_and_is_left_alone_by_a_new_master_secret(
    run_stack: Run, stack: str, kind: str, field: str
) -> None:
    assert run_stack(stack).one(kind).ignored == {field}


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ({"service": "ec2", "plan": "t3.large"}, "aws:ec2/keyPair:KeyPair"),
        ({"service": "lightsail", "plan": "medium_3_0", "image": "debian-12"}, "aws:lightsail/keyPair:KeyPair"),
    ],
    ids=["ec2", "lightsail"],
)
def test_so_is_the_registered_key_at_aws(run_stack: Run, edit: Edit, host: dict[str, str], kind: str) -> None:
    wanted = {"provider": "aws", "location": "us-east-1", **host}
    edit("Pulumi.nj.yaml", lambda document: document["config"]["fleet:hosts"].update(main=wanted))
    recorded = run_stack("nj")
    assert recorded.one(kind).ignored == {"publicKey"}
    # Nor does a new image, another key or a changed first-boot script replace the server.
    machine = recorded.one(f"{kind.rpartition('/')[0]}/instance:Instance")
    assert machine.protect
    image = {"ec2": "ami", "lightsail": "blueprintId"}[host["service"]]
    key = {"ec2": "keyName", "lightsail": "keyPairName"}[host["service"]]
    assert machine.ignored >= {"userData", image, key}


def test_only_a_raised_generation_unprotects_the_server(run_stack: Run, edit: Edit) -> None:
    standing = {"nj": {"generations": {"nj": 1}}}
    assert run_stack("nj", standing).one(VULTR).protect

    edit("Pulumi.nj.yaml", lambda document: main_host(document).update(generation=2))
    raised = run_stack("nj", standing)
    assert not raised.one(VULTR).protect
    assert raised.one(VULTR).request.replacement_trigger.number_value == 2
    assert any("generation 1 -> 2" in line for line in raised.logs)

    assert run_stack("nj", {"nj": {"generations": {"nj": 2}}}).one(VULTR).protect

    edit("Pulumi.nj.yaml", lambda document: main_host(document).update(generation=1))
    assert run_stack("nj", {"nj": {"generations": {"nj": 2}}}).one(VULTR).protect, "it cannot be lowered"

    edit("Pulumi.nj.yaml", lambda document: main_host(document).update(generation=2))
    error = run_stack("nj", {"nj": {"generations": {"nj": 3}}}).error
    assert "of generation 3, and the files say 2: a generation is never lowered" in str(error)


def test_host_parts_go_and_come_with_their_server(run_stack: Run) -> None:
    recorded = run_stack("nj")
    server = "urn:pulumi:recorded::fleet::vultr:index/instance:Instance::nj"
    for kind in (BASE, MESH):
        request = recorded.one(kind).request
        assert request.deletedWith == server
        assert list(request.replace_with) == [server]
        # One that was lost at its provider is created, not replaced: by its id its parts know that it is another.
        assert recorded.one(kind).inputs["server"] == "nj-id"


def test_no_two_regions_upgrade_in_the_same_window(run_stack: Run) -> None:
    path = "/etc/systemd/system/apt-daily-upgrade.timer.d/10-fleet.conf"
    windows = {region: run_stack(region).one(BASE).inputs["files"][path] for region in ("nj", "sg")}
    assert len(set(windows.values())) == len(windows)


def test_user_data_is_secret_and_nothing_else_holds_a_key(run_stack: Run) -> None:
    recorded = run_stack("nj")
    assert is_secret(recorded.one(VULTR).inputs["userData"])
    assert "OPENSSH PRIVATE KEY" in plain(recorded.one(VULTR).inputs["userData"])
    for resource in recorded.resources:
        if resource.type != VULTR:
            assert "PRIVATE KEY" not in str(resource.inputs)
    wireguard = recorded.one(MESH).inputs["files"]["/etc/wireguard/wg0.conf"]
    assert "PrivateKey = secret:x25519/mesh/private/nj/1#" in wireguard


def test_every_file_of_a_host_is_an_input_by_its_path(run_stack: Run) -> None:
    files = run_stack("sg").one(BASE).inputs["files"]
    assert "PasswordAuthentication no" in files["/etc/ssh/sshd_config.d/10-fleet.conf"]
    assert "table inet fleet" in files["/etc/fleet/fleet.nft"]
    assert "/usr/local/lib/fleet/egress" in files, "a droplet's traffic leaves by its reserved address"
    assert "/usr/local/lib/fleet/egress" not in run_stack("nj").one(BASE).inputs["files"]


def test_a_guest_host_keeps_its_ssh_docker_and_users(run_stack: Run) -> None:
    recorded = run_stack("hub")
    assert recorded.error is None
    base = recorded.one(BASE).inputs
    copies = ("/usr/local/lib/fleet/backup/", "/etc/fleet/backup/", "/etc/systemd/system/fleet-db-")
    assert {path for path in base["files"] if not path.startswith(copies)} == {
        "/etc/fleet/fleet.nft",
        "/etc/systemd/system/fleet-nft.service",
        "/etc/systemd/system/fleet-mesh.target",
        "/etc/systemd/system/fleet-bundles.service",
        "/usr/local/lib/fleet/start_bundles.py",
    }
    assert "docker" not in base["settings"]
    assert base["user"] == "root"


def test_peers_without_an_address_have_no_endpoint_and_are_learnt(run_stack: Run) -> None:
    text = run_stack("nj").one(MESH).inputs["files"]["/etc/wireguard/wg0.conf"]
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n# ")[1:]}
    assert "Endpoint = 198.18.0.12:51820" in sections["sg"]
    assert "Endpoint" not in sections["ldn"]
    assert set(sections) == {"hub", "sg", "ldn", "chi", "tyo", "fra"}


def test_opening_a_region_changes_one_endpoint_elsewhere_and_nothing_else(run_stack: Run) -> None:
    from tests.program.conftest import ADDRESSES, addresses_output

    before = run_stack("nj")
    opened = {**ADDRESSES, "ldn": "198.18.0.13"}
    after = run_stack("nj", {"addresses": {"addresses": addresses_output(opened)}})

    changed = [
        (old.type, key)
        for old, new in zip(before.by_name(), after.by_name(), strict=True)
        for key in old.inputs
        if old.inputs[key] != new.inputs[key]
    ]
    assert changed == [(MESH, "files")]
    old = before.one(MESH).inputs["files"]["/etc/wireguard/wg0.conf"].splitlines()
    new = after.one(MESH).inputs["files"]["/etc/wireguard/wg0.conf"].splitlines()
    assert [line for line in new if line not in old] == ["Endpoint = 198.18.0.13:51820"]


def test_a_region_without_a_reserved_address_says_how_to_reserve_one(run_stack: Run) -> None:
    recorded = run_stack("ldn")
    assert "Add ldn to fleet:regions in Pulumi.addresses.yaml" in str(recorded.error)
    assert declared(recorded) == ["pulumi:pulumi:Stack"]


def test_addresses_that_cannot_be_deciphered_are_one_clear_line(run_stack: Run) -> None:
    # What a secret output of a stack with another passphrase arrives as: an empty mapping, and no error.
    recorded = run_stack("nj", {"addresses": {"addresses": {"nj": {}}}})
    assert "another passphrase" in str(recorded.error)


def test_outputs_tell_people_what_stands(run_stack: Run) -> None:
    outputs = run_stack("nj").outputs
    assert outputs["generations"] == {"nj": 1}
    host = outputs["nj"]
    assert host["allow_list"] == "198.18.0.11"
    assert host["mesh_address"] == "10.77.1.1"
    assert host["monthly_usd"] == "48.00"
    assert host["monthly_usd_from"].endswith(", 2026-10-09")
    assert host["host_key"].startswith("ssh-ed25519 ")


def test_a_broken_configuration_declares_nothing(run_stack: Run, edit: Edit) -> None:
    edit("Pulumi.nj.yaml", lambda document: main_host(document).update(plan="vhp-4c-8gb-amdd"))
    recorded = run_stack("nj")
    assert "vhp-4c-8gb-amd" in str(recorded.error)
    assert declared(recorded) == ["pulumi:pulumi:Stack"]


def test_what_cannot_be_rendered_costs_no_server(run_stack: Run, edit: Edit) -> None:
    edit("images.yaml", lambda document: document["redis"].pop("digest"))
    recorded = run_stack("nj")
    assert "fleet images pin redis" in str(recorded.error)
    assert declared(recorded) == ["pulumi:pulumi:Stack"]
