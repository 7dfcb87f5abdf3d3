"""The default fleet, what is filled in for a short stack file, and that no input ends in a traceback."""

from __future__ import annotations

import shutil
import tempfile
from decimal import Decimal
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.configuration import Configuration, load
from fleet.model.images import KEYS
from fleet.model.problems import ConfigurationError
from fleet.model.stack import Ec2Host, ExistingHost, LightsailHost, VultrHost

ROOT = Path(__file__).parents[2]
FILES = (ROOT / "fleet.yaml", ROOT / "images.yaml", *sorted(ROOT.glob("Pulumi.*.yaml")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the default files."""
    return copy_to(tmp_path)


def copy_to(folder: Path) -> Path:
    for file in FILES:
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def default() -> Configuration:
    return load(ROOT)


def test_the_default_fleet_is_the_table_of_the_specification(default: Configuration) -> None:
    table = {
        ref.id: (ref.host.provider, getattr(ref.host, "location", ""), ref.host.plan, str(ref.mesh_address))
        for ref in default.hosts()
    }
    assert table == {
        "hub": ("existing", "", "8 vCPU, 16 GB, 320 GB, 6 TB", "10.77.0.1"),
        "nj": ("vultr", "ewr", "vhp-4c-8gb-amd", "10.77.1.1"),
        "sg": ("digitalocean", "sgp1", "s-4vcpu-8gb", "10.77.2.1"),
        "ldn": ("digitalocean", "lon1", "s-2vcpu-4gb", "10.77.3.1"),
        "chi": ("vultr", "ord", "vhp-4c-8gb-amd", "10.77.4.1"),
        "tyo": ("vultr", "nrt", "vhp-4c-8gb-amd", "10.77.5.1"),
        "fra": ("digitalocean", "fra1", "s-2vcpu-4gb", "10.77.6.1"),
    }
    assert default.host_ids() == tuple(table)
    assert default.addresses.regions == ("hub", "nj", "sg")
    assert default.phases() == (("hub",), ("nj",), ("sg",), ("ldn",), ("chi",), ("tyo",), ("fra",))


def test_every_default_host_has_a_price(default: Configuration) -> None:
    prices = {ref.id: default.monthly_usd(ref) for ref in default.hosts()}
    assert prices["hub"] == Decimal("30.00")
    assert prices["nj"] == Decimal(48)
    assert None not in prices.values()
    assert sum(price for price in prices.values() if price) <= (default.fleet.budgets.monthly_usd or 0)


def test_what_must_be_replaced_before_real_servers_are_touched(default: Configuration) -> None:
    assert [(problem.file, problem.key) for problem in default.placeholders()] == [
        ("fleet.yaml", "domain"),
        ("fleet.yaml", "operators.addresses"),
        ("fleet.yaml", "operators.keys"),
        ("Pulumi.hub.yaml", "config.fleet:hosts.main.address"),
        ("Pulumi.hub.yaml", "config.fleet:hosts.main.host_key"),
        ("images.yaml", ", ".join(KEYS[3:])),
        ("images.yaml", ", ".join(KEYS[:3])),
    ]


def test_a_fleet_that_is_filled_in_has_no_placeholders(root: Path) -> None:
    key = "AAAAC3NzaC1lZDI1NTE5AAAAI" + "B" * 43
    edit(root, "fleet.yaml", "fleet.example", "fleet.acme.dev")
    edit(root, "fleet.yaml", "addresses: []", "addresses: [192.88.99.7/32]")
    edit(root, "fleet.yaml", "keys: {}", f"keys: {{alice: ssh-ed25519 {key} alice}}")
    edit(root, "Pulumi.hub.yaml", "address: 203.0.113.10", "address: 192.88.99.10")
    hub = root / "Pulumi.hub.yaml"
    lines = [
        f"      host_key: ssh-ed25519 {key}" if "host_key:" in line else line for line in hub.read_text().splitlines()
    ]
    hub.write_text("\n".join(lines))
    lines = (root / "images.yaml").read_text().replace("registry.fleet.example", "registry.acme.dev").splitlines()
    digest = f"  digest: sha256:{'0' * 64}"
    (root / "images.yaml").write_text(
        "\n".join(f"{line}\n{digest}" if line.startswith("  tag:") else line for line in lines)
    )
    assert load(root).placeholders() == ()


def test_what_the_engine_writes_into_a_stack_file_is_left_alone(root: Path) -> None:
    stack = root / "Pulumi.nj.yaml"
    text = "secretsprovider: passphrase\nencryptionsalt: v1:abc=:v1:def\n" + stack.read_text()
    stack.write_text(text + "  aws:region: us-east-1\n  fleet:token: {secure: v1:ghi}\n")
    load(root)


@pytest.mark.parametrize(
    ("region", "alternative", "location"),
    [
        ("nj", "provider: aws\n      service: ec2\n      plan: c7i.xlarge", "us-east-1"),
        ("sg", "provider: vultr\n      plan: vhp-4c-8gb-amd", "sgp"),
        (
            "tyo",
            "provider: aws\n      service: lightsail\n      plan: large_3_0\n      image: debian-12",
            "ap-northeast-1",
        ),
    ],
)
def test_an_alternative_finds_its_location_itself(root: Path, region: str, alternative: str, location: str) -> None:
    (root / f"Pulumi.{region}.yaml").write_text(f"config:\n  fleet:hosts:\n    main:\n      {alternative}\n")
    host = load(root).stacks[region].hosts["main"]
    assert not isinstance(host, ExistingHost)
    assert host.location == location
    assert host.index == 0


def test_a_region_may_have_more_hosts_each_with_a_network_of_its_own(root: Path) -> None:
    second = (
        "    {name}:\n      index: {index}\n      provider: aws\n      service: ec2\n"
        "      plan: t3.medium\n      spot: true\n"
    )
    with (root / "Pulumi.nj.yaml").open("a") as stack:
        stack.write(second.format(name="work", index=2) + second.format(name="spare", index=1))
    configuration = load(root)
    refs = configuration.hosts_of("nj")
    assert [(ref.id, str(ref.mesh_address)) for ref in refs] == [
        ("nj", "10.77.1.1"),
        ("nj-spare", "10.77.1.2"),
        ("nj-work", "10.77.1.3"),
    ]
    networks = [ref.host.vpc_cidr for ref in refs if isinstance(ref.host, Ec2Host)]
    assert networks == [IPv4Network("10.80.1.16/28"), IPv4Network("10.80.1.32/28")]
    assert not any(ref.host.critical for ref in refs[1:])


def test_regions_of_one_phase_change_together(root: Path) -> None:
    edit(root, "fleet.yaml", "    phase: 6\n", "    phase: 1\n")
    assert load(root).phases() == (("hub",), ("nj", "fra"), ("sg",), ("ldn",), ("chi",), ("tyo",))


def test_the_hub_may_be_rented_and_any_region_may_exist_already(root: Path) -> None:
    hub, nj = (root / f"Pulumi.{name}.yaml" for name in ("hub", "nj"))
    nj.write_text(hub.read_text())
    hub.write_text("config:\n  fleet:hosts:\n    main: {provider: vultr, plan: vc2-6c-16gb}\n")
    edit(root, "fleet.yaml", "    to: nj", "    to: sg")
    stacks = load(root).stacks
    host = stacks["hub"].hosts["main"]
    assert isinstance(host, VultrHost)
    assert host.location == "mex"
    assert isinstance(stacks["nj"].hosts["main"], ExistingHost)
    assert not isinstance(host, LightsailHost)


def test_a_mesh_in_the_benchmark_range_is_accepted(root: Path) -> None:
    edit(root, "fleet.yaml", "cidr: 10.77.0.0/16", "cidr: 198.19.192.0/20")
    assert str(load(root).hosts()[1].mesh_address) == "198.19.192.65"


FRAGMENTS = st.sampled_from(
    [
        "null",
        "[]",
        "{}",
        "-1",
        "1e999",
        "yes",
        "''",
        "x: [",
        "? a",
        "!!set {a}",
        "2026-13-45",
        "0x",
        "- ",
        ": ",
        "\t",
        '"',
        "💥",
        "~",
    ]
)


@settings(max_examples=150)
@given(
    st.sampled_from([file.name for file in FILES]),
    st.lists(
        st.tuples(st.sampled_from(["drop", "double", "replace", "append"]), st.integers(0, 70), FRAGMENTS), max_size=4
    ),
)
def test_no_damage_to_the_files_ends_in_anything_but_a_report(name: str, damage: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = copy_to(Path(folder))
        lines = (root / name).read_text().splitlines()
        for kind, number, fragment in damage:
            at = number % max(1, len(lines))
            line = lines[at] if lines else ""
            key = line.split(":")[0] + ": " if ":" in line else line
            lines[at : at + 1] = {
                "drop": [],
                "double": [line, line],
                "replace": [key + fragment],
                "append": [line + fragment],
            }[kind]
        (root / name).write_text("\n".join(lines) + "\n")
        try:
            load(root)
        except ConfigurationError as error:
            report = str(error)
        else:
            return
    assert report.startswith("the fleet's configuration has ")


def edit(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert text.count(old) == 1
    (root / file).write_text(text.replace(old, new))
