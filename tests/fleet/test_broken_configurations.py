"""Every way to get a fleet's files wrong that we know of, and what the person who did is told.

Each case edits the default files and names what the report must say: always the file and the key, then what is allowed
or what to do. It reads as the manual of the configuration's errors.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.configuration import load
from fleet.model.problems import ConfigurationError

ROOT = Path(__file__).parents[2]
FLEET, HUB, NJ, SG = "fleet.yaml", "Pulumi.hub.yaml", "Pulumi.nj.yaml", "Pulumi.sg.yaml"
ADDRESSES, TYO = "Pulumi.addresses.yaml", "Pulumi.tyo.yaml"
ZEROS = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

NJ_MAIN = "      provider: vultr\n      location: ewr\n      plan: vhp-4c-8gb-amd\n"
SG_MAIN = "      provider: digitalocean\n      location: sgp1\n      plan: s-4vcpu-8gb\n"
EC2 = "      provider: aws\n      service: ec2\n      location: us-east-1\n      plan: t3.large\n"
LIGHTSAIL = "      provider: aws\n      service: lightsail\n      location: us-east-1\n      plan: large_3_0\n"
SPARE = "    spare:\n      provider: vultr\n      plan: vhp-2c-4gb-amd\n"
EXISTING = (
    "      provider: existing\n      address: 203.0.113.11\n"
    f'      host_key: ssh-ed25519 {ZEROS}\n      monthly_price: "1"\n'
)

Edit = Callable[[Path], object]

S3 = "s3::bucket=market;root=log;region=us-east-1;"


def enterprise(edition: str = "enterprise", primary: str = "hub", store: str = S3, more: str = "poll_ms: 200") -> str:
    """An edition and the settings of the native replication, as they stand in ``fleet.yaml``."""
    lines = (f"primary: {primary}", f"object_store: '{store}'", "start: [/questdb]", more)
    return f"edition: {edition}\n  enterprise:\n" + "\n".join(f"    {line}" for line in lines)


def as_enterprise(settings: str) -> Edit:
    """Another edition, without the copies that only the open-source one knows."""

    def edit(root: Path) -> None:
        text = (root / FLEET).read_text()
        before, copies, after = text.partition("  backup:\n    to: nj\n    every: 6h\n    keep: 8\n")
        assert copies
        (root / FLEET).write_text((before + after).replace("edition: oss", settings))

    return edit


def swap(file: str, old: str, new: str) -> Edit:
    """Replace a text that stands there exactly once."""

    def edit(root: Path) -> None:
        text = (root / file).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (root / file).write_text(text.replace(old, new))

    return edit


def append(file: str, text: str) -> Edit:
    def edit(root: Path) -> None:
        with (root / file).open("a") as opened:
            opened.write(text)

    return edit


def write(file: str, content: str | bytes) -> Edit:
    def edit(root: Path) -> None:
        (root / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    return edit


def remove(file: str) -> Edit:
    return lambda root: (root / file).unlink()


def main_of_nj(text: str) -> Edit:
    return swap(NJ, NJ_MAIN, text)


@dataclass(frozen=True)
class Broken:
    """A case: what it is about, the edits, what one block of the report must hold, how many problems there are."""

    about: str
    edits: tuple[Edit, ...]
    said: tuple[str, ...]
    problems: int = 1


def broken(about: str, *edits: Edit, said: tuple[str, ...], problems: int = 1) -> Broken:
    return Broken(about, edits, said, problems)


FILES = [
    broken("no fleet.yaml", remove(FLEET), said=("fleet.yaml: does not exist", "it belongs into")),
    broken("empty fleet.yaml", write(FLEET, "# nothing\n"), said=("fleet.yaml: is empty", "a mapping")),
    broken("a list at the top", write(FLEET, "- a\n- b\n"), said=("fleet.yaml:1: is not a mapping at its top",)),
    broken("not UTF-8", write(FLEET, b"name: \xff\xfe\n"), said=("fleet.yaml: is not UTF-8 text (byte 6)",)),
    broken("a NUL byte", write(FLEET, b"name: a\x00b\n"), said=("fleet.yaml", "is not valid YAML")),
    broken("too large", write(FLEET, "#" * 300_000), said=("fleet.yaml: is too large", "at most 256 KiB")),
    broken("a tab", swap(FLEET, "  port: 51820", "\tport: 51820"), said=("fleet.yaml:19: is not valid YAML",)),
    broken("an open bracket", append(SG, "more: [1, 2\n"), said=("Pulumi.sg.yaml:", "is not valid YAML")),
    broken("two documents", append(FLEET, "---\nname: b\n"), said=("fleet.yaml", "more than one document")),
    broken(
        "an alias",
        swap(FLEET, "  mtu: 1420", "  mtu: &m 1420"),
        swap(FLEET, "  keepalive: 25", "  keepalive: *m"),
        said=("fleet.yaml:21: is a YAML alias", "written out"),
        problems=2,
    ),
    broken(
        "a YAML bomb",
        write(FLEET, "a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n"),
        said=("fleet.yaml:2: is a YAML alias", "'*a'"),
        problems=3,
    ),
    broken("nested too deeply", write(FLEET, "a: " + "[" * 5000 + "]" * 5000), said=("nested too deeply", "20 levels")),
    broken("a merge key", append(FLEET, "<<: {name: b}\n"), said=("fleet.yaml", "<<: is a YAML merge key")),
    broken(
        "a Python tag",
        swap(FLEET, "name: fleet", "name: !!python/object/apply:os.system [ls]"),
        said=("fleet.yaml:3: name: has the YAML tag", "without a tag"),
        problems=2,
    ),
    broken(
        "a local tag", swap(FLEET, "name: fleet", "name: !env NAME"), said=("name: has the YAML tag !env",), problems=2
    ),
    broken(
        "a duplicate key",
        append(FLEET, "name: other\n"),
        said=("name: stands twice: first on line 3", "each key once"),
    ),
    broken(
        "a duplicate region",
        swap(FLEET, "  sg:\n", "  nj:\n"),
        said=("fleet.yaml:43: regions.nj: stands twice: first on line 39",),
        problems=4,  # and sg, which two files name, is gone
    ),
    broken(
        "a region that YAML reads as false",
        swap(FLEET, "  fra:\n", "  no:\n"),
        said=("regions.no: is a key that YAML reads as true or false", 'write it in quotes: "no"'),
        problems=2,
    ),
    broken(
        "a number as a key", append(FLEET, "1: x\n"), said=("fleet.yaml", "1: is a key that YAML reads as a number")
    ),
]

FACTS = [
    broken(
        "a newer format",
        swap(FLEET, "format_version: 1", "format_version: 2"),
        append(FLEET, "what: ever\n"),
        said=("fleet.yaml:2: format_version: is newer than this package", "upgrade the package"),
    ),
    broken(
        "no format", swap(FLEET, "format_version: 1\n", ""), said=("format_version: is missing", "a whole number 1..1")
    ),
    broken(
        "a format as text", swap(FLEET, "format_version: 1", 'format_version: "1"'), said=("is not a whole number",)
    ),
    broken(
        "a mistyped key",
        swap(FLEET, "deploy_user: deploy", "deploy_usr: deploy"),
        said=("fleet.yaml:13: deploy_usr: is not a known key", "did you mean 'deploy_user'?"),
    ),
    broken(
        "a mistyped key inside",
        swap(FLEET, "  keepalive: 25", "  keepalve: 25"),
        said=("fleet.yaml:21: mesh.keepalve: is not a known key", "allowed: cidr, port", "'keepalive'"),
    ),
    broken(
        "a missing key", swap(FLEET, "hub: hub\n", ""), said=("fleet.yaml: hub: is missing", "a region of this file")
    ),
    broken(
        "name is no label",
        swap(FLEET, "name: fleet", "name: My_Fleet"),
        said=("fleet.yaml:3: name", "'My_Fleet'", "DNS label"),
    ),
    broken("name is a number", swap(FLEET, "name: fleet", "name: 12"), said=("name: is not text", "DNS label")),
    broken("name is too long", swap(FLEET, "name: fleet", f"name: {'x' * 30}"), said=("name: is longer than 20",)),
    broken(
        "domain of one label", swap(FLEET, "fleet.example\n", "localhost\n"), said=("domain: is not a domain name",)
    ),
    broken(
        "domain is an address", swap(FLEET, "fleet.example\n", "10.0.0.1\n"), said=("domain: is not a domain name",)
    ),
    broken(
        "unknown hub",
        swap(FLEET, "hub: hub", "hub: hbu"),
        said=("fleet.yaml:6: hub: 'hbu' is not a region of fleet.yaml", "did you mean 'hub'?"),
    ),
    broken(
        "deploy as root",
        swap(FLEET, "deploy_user: deploy", "deploy_user: root"),
        said=("deploy_user: is a user of the system", "not root"),
    ),
    broken(
        "deploy as daemon",
        swap(FLEET, "deploy_user: deploy", "deploy_user: www-data"),
        said=("deploy_user: is a user of the system",),
    ),
    broken(
        "no user name",
        swap(FLEET, "deploy_user: deploy", "deploy_user: Deploy Me"),
        said=("deploy_user: is not a user name",),
    ),
    broken(
        "operator without prefix bits",
        swap(FLEET, "addresses: []", "addresses: [198.51.100.7/24]"),
        said=("fleet.yaml:10: operators.addresses[0]: has bits set", "the network is 198.51.100.0/24"),
    ),
    broken(
        "operator by name",
        swap(FLEET, "addresses: []", "addresses: [office]"),
        said=("operators.addresses[0]: is not an IPv4 network",),
    ),
    broken(
        "operator over IPv6", swap(FLEET, "addresses: []", 'addresses: ["2001:db8::/64"]'), said=("is an IPv6 network",)
    ),
    broken(
        "operator as a number",
        swap(FLEET, "addresses: []", "addresses: [5]"),
        said=("operators.addresses[0]: is not text",),
    ),
    broken(
        "ssh for everyone",
        swap(FLEET, "addresses: []", "addresses: [0.0.0.0/0]"),
        said=("is too large a network", "/8 to /32"),
        problems=3,
    ),
    broken(
        "operators are no list",
        swap(FLEET, "addresses: []", "addresses: 198.51.100.7/32"),
        said=("operators.addresses: is not a list",),
    ),
    broken(
        "key of an unknown type",
        swap(FLEET, "keys: {}", "keys: {al: ssh-dss AAAA}"),
        said=("operators.keys.al: does not start with a known", "ssh-ed25519"),
    ),
    broken(
        "key cut off",
        swap(FLEET, "keys: {}", f"keys: {{al: ssh-ed25519 {ZEROS[:40]}}}"),
        said=("operators.keys.al: is cut off or mistyped",),
    ),
    broken(
        "a private key",
        swap(FLEET, "keys: {}", 'keys: {al: "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"}'),
        said=("operators.keys.al: is a private key", "replace this one"),
    ),
    broken(
        "operator's name",
        swap(FLEET, "keys: {}", f"keys: {{Al B: ssh-ed25519 {ZEROS}}}"),
        said=("operators.keys.Al B: is not a name",),
    ),
    broken(
        "mesh is public",
        swap(FLEET, "cidr: 10.77.0.0/16", "cidr: 8.8.0.0/16"),
        said=("mesh.cidr: is not a private network", "10.0.0.0/8"),
    ),
    broken(
        "mesh is no network",
        swap(FLEET, "cidr: 10.77.0.0/16", "cidr: 10.77/16"),
        said=("mesh.cidr: is not an IPv4 network",),
    ),
    broken(
        "mesh without room",
        swap(FLEET, "cidr: 10.77.0.0/16", "cidr: 10.77.0.0/27"),
        said=("fleet.yaml:53: regions.chi.index: does not fit into mesh.cidr 10.77.0.0/27", "0..3"),
        problems=3,
    ),
    broken(
        "mesh port too large", swap(FLEET, "port: 51820", "port: 65535"), said=("mesh.port: is too large", "1..65534")
    ),
    broken("mesh port is true", swap(FLEET, "port: 51820", "port: yes"), said=("mesh.port: is not a whole number",)),
    broken(
        "mesh port of DNS", swap(FLEET, "port: 51820", "port: 53"), said=("mesh.port: takes UDP 53, which is DNS's",)
    ),
    broken(
        "mesh port before DHCP", swap(FLEET, "port: 51820", "port: 67"), said=("mesh.port: takes UDP 68",), problems=2
    ),
    broken("mtu", swap(FLEET, "mtu: 1420", "mtu: 1500"), said=("mesh.mtu: is too large", "1280..1440")),
    broken("keepalive", swap(FLEET, "keepalive: 25", "keepalive: 0"), said=("mesh.keepalive: is too small", "1..120")),
    broken(
        "epoch",
        swap(FLEET, "    keys: 1\n", "    keys: 0\n"),
        said=("mesh.epoch.keys: is too small", "whole number from 1"),
    ),
    broken("epoch as text", swap(FLEET, "    psk: 1", "    psk: one"), said=("mesh.epoch.psk: is not a whole number",)),
    broken(
        "epoch of an unknown node",
        swap(FLEET, "nodes: {}", "nodes: {nyc: 2}"),
        said=("mesh.epoch.nodes.nyc: 'nyc' is not a host of this fleet", "chi, fra, hub"),
    ),
    broken("mesh is missing", swap(FLEET, "mesh:\n", "mash:\n"), said=("fleet.yaml: mesh: is missing",), problems=2),
    broken(
        "mesh meets Docker",
        swap(FLEET, "172.20.0.0/14", "10.77.128.0/18"),
        said=("docker_pool: overlaps mesh.cidr 10.77.0.0/16",),
    ),
    broken(
        "mesh meets Docker's bridge",
        swap(FLEET, "cidr: 10.77.0.0/16", "cidr: 172.17.0.0/16"),
        said=("mesh.cidr: overlaps Docker's default bridge",),
    ),
    broken(
        "mesh meets an operator",
        swap(FLEET, "addresses: []", "addresses: [10.77.3.0/24]"),
        said=("operators.addresses[0]: overlaps mesh.cidr",),
    ),
    broken(
        "pool too small",
        swap(FLEET, "172.20.0.0/14", "172.20.0.0/24"),
        said=("docker_pool: is too small a network", "/8 to /22"),
    ),
    broken(
        "budget as a float",
        swap(FLEET, '"335.00"', "335.01"),
        said=("budgets.monthly_usd: is not an amount in quotes", '"335.00"'),
    ),
    broken("budget below zero", swap(FLEET, '"335.00"', '"-1"'), said=("budgets.monthly_usd: is not an amount",)),
    broken(
        "budget of an unknown region",
        append(FLEET, '  regions: {nji: "1"}\n'),
        said=("budgets.regions.nji: 'nji' is not a region of fleet.yaml", "did you mean 'nj'?"),
    ),
]

REGIONS = [
    broken(
        "regions are a list",
        write(FLEET, (ROOT / FLEET).read_text().split("regions:")[0] + "regions: [hub]\n"),
        said=("fleet.yaml:34: regions: is not a mapping", "each with place, index and phase"),
    ),
    broken(
        "region is text",
        swap(FLEET, "  fra:\n    place: frankfurt\n    index: 6\n    phase: 6\n", "  fra: frankfurt\n"),
        said=("regions.fra: is not a mapping", "place, index, phase"),
    ),
    broken(
        "unknown place",
        swap(FLEET, "place: new-jersey", "place: new-jersy"),
        said=("fleet.yaml:40: regions.nj.place: is not a place of the catalogue", "did you mean 'new-jersey'?"),
    ),
    broken(
        "mistyped place key",
        swap(FLEET, "    place: london", "    plase: london"),
        said=("regions.ldn.plase: is not a known key", "place, index, phase", "'place'"),
        problems=2,
    ),
    broken(
        "a name inside",
        swap(FLEET, "    place: london", "    place: london\n    name: ldn"),
        said=("regions.ldn.name: is not a known key", "place, index, phase"),
    ),
    broken(
        "index taken",
        swap(FLEET, "index: 2", "index: 1"),
        said=("regions.sg.index: is the index of region nj already", "the lowest free one is 2"),
    ),
    broken(
        "index below zero",
        swap(FLEET, "index: 2", "index: -2"),
        said=("regions.sg.index: is too small", "whole number from 0"),
    ),
    broken(
        "index too large",
        swap(FLEET, "index: 2", "index: 256"),
        said=("regions.sg.index: does not fit into mesh.cidr 10.77.0.0/16", "0..255"),
    ),
    broken("no phase", swap(FLEET, "    phase: 3\n", ""), said=("fleet.yaml:47: regions.ldn.phase: is missing",)),
    broken(
        "hub in a later phase",
        swap(FLEET, "    phase: 0\n", "    phase: 9\n"),
        said=("regions.hub.phase: is not the phase of the hub", "allowed: 0"),
    ),
    broken(
        "region in the hub's phase",
        swap(FLEET, "    phase: 3\n", "    phase: 0\n"),
        said=("regions.ldn.phase: is the hub's phase", "from 1"),
    ),
    broken(
        "region named as no label",
        swap(FLEET, "  fra:\n", "  FRA:\n"),
        said=("regions.FRA: is not a name", "DNS label"),
        problems=3,
    ),
    broken(
        "region named as a stack",
        swap(FLEET, "  fra:\n", "  addresses:\n"),
        said=("regions.addresses: is the name of a stack that is not a region's",),
        problems=2,
    ),
    broken(
        "region without file",
        remove(SG),
        said=("Pulumi.sg.yaml: does not exist: it is the file of the stack of region 'sg'",),
    ),
    broken(
        "file without region",
        lambda root: (root / SG).rename(root / "Pulumi.sgp.yaml"),
        said=(
            "Pulumi.sgp.yaml: is the file of a stack 'sgp', but fleet.yaml has no region 'sgp'",
            "did you mean 'sg'?",
        ),
        problems=2,
    ),
    broken("no addresses", remove(ADDRESSES), said=("Pulumi.addresses.yaml: does not exist", "static addresses")),
    broken(
        "unknown reserved region",
        swap(ADDRESSES, "nj, sg", "nj, sgp"),
        said=("Pulumi.addresses.yaml:4: config.fleet:regions[2]: 'sgp' is not a region", "'sg'"),
    ),
    broken("reserved twice", swap(ADDRESSES, "nj, sg", "nj, nj"), said=("config.fleet:regions[2]: stands twice",)),
    broken("reserved is text", swap(ADDRESSES, "[hub, nj, sg]", "hub"), said=("config.fleet:regions: is not a list",)),
    broken("reserved is a number", swap(ADDRESSES, "nj, sg", "nj, 7"), said=("config.fleet:regions[2]: is not text",)),
    broken(
        "reserved key mistyped",
        swap(ADDRESSES, "fleet:regions", "fleet:region"),
        said=("config.fleet:region: is not a known key", "did you mean 'fleet:regions'?"),
    ),
]

STACKS = [
    broken(
        "no config", write(NJ, "encryptionsalt: v1:abc\n"), said=("Pulumi.nj.yaml: config: is missing", "fleet:hosts")
    ),
    broken("config is a list", write(NJ, "config: [a]\n"), said=("Pulumi.nj.yaml:1: config: is not a mapping",)),
    broken(
        "no namespace",
        swap(NJ, "fleet:hosts", "hosts"),
        said=("Pulumi.nj.yaml:18: config.hosts: has no namespace", "did you mean 'fleet:hosts'?"),
    ),
    broken(
        "mistyped key",
        swap(NJ, "fleet:hosts", "fleet:host"),
        said=("config.fleet:host: is not a known key", "did you mean 'fleet:hosts'?"),
    ),
    broken(
        "mistyped key of the engine",
        append(NJ, "encryptionsal: v1:x\n"),
        said=("encryptionsal: is not a known key", "'encryptionsalt'"),
    ),
    broken(
        "no main",
        swap(NJ, "    main:\n", "    mian:\n      index: 0\n"),
        said=("config.fleet:hosts: has no host main",),
    ),
    broken("no hosts", write(NJ, "config:\n  fleet:hosts: {}\n"), said=("config.fleet:hosts: has no host main",)),
    broken(
        "hosts are a list",
        write(NJ, "config:\n  fleet:hosts: [main]\n"),
        said=("config.fleet:hosts: is not a mapping", "one is named main"),
    ),
    broken(
        "host is text",
        write(NJ, "config:\n  fleet:hosts:\n    main: vultr\n"),
        said=("config.fleet:hosts.main: is not a mapping",),
    ),
    broken(
        "host named as no label",
        append(HUB, "    Spare_1:\n      index: 1\n" + EXISTING),
        said=("hosts.Spare_1: is not a name", "DNS label"),
    ),
    broken(
        "no provider",
        main_of_nj("      plan: vhp-4c-8gb-amd\n"),
        said=("hosts.main.provider: is missing", "vultr, digitalocean, aws, existing"),
    ),
    broken(
        "unknown provider",
        swap(NJ, "provider: vultr\n", "provider: vulture\n"),
        said=("Pulumi.nj.yaml:20: config.fleet:hosts.main.provider: is not allowed", "did you mean 'vultr'?"),
    ),
    broken(
        "aws without service",
        main_of_nj("      provider: aws\n      plan: t3.large\n"),
        said=("hosts.main.service: is missing", "lightsail, ec2"),
    ),
    broken(
        "unknown service",
        main_of_nj("      provider: aws\n      service: lightsale\n      plan: x\n"),
        said=("service: is not allowed", "'lightsail'"),
    ),
    broken(
        "service elsewhere",
        swap(SG, SG_MAIN, SG_MAIN + "      service: droplet\n"),
        said=("hosts.main.service: is not a known key",),
    ),
    broken(
        "unknown location",
        swap(NJ, "location: ewr\n", "location: ewx\n"),
        said=(
            "Pulumi.nj.yaml:21: config.fleet:hosts.main.location: is not a location of vultr",
            "for new-jersey: ewr",
            "'ewr'",
        ),
    ),
    broken(
        "location in another place",
        swap(NJ, "location: ewr\n", "location: nrt\n"),
        said=("location: is in tokyo, the region in new-jersey", "for new-jersey: ewr"),
    ),
    broken(
        "provider not in the place",
        swap(
            "Pulumi.chi.yaml",
            "provider: vultr\n      location: ord\n      plan: vhp-4c-8gb-amd",
            "provider: digitalocean\n      plan: s-4vcpu-8gb",
        ),
        said=("hosts.main.provider: has no location in or near chicago", "for chicago: vultr"),
    ),
    broken(
        "unknown plan",
        swap(NJ, "plan: vhp-4c-8gb-amd\n", "plan: vhp-4c-8gb-adm\n"),
        said=("plan: is not a plan of vultr", "did you mean 'vhp-4c-8gb-amd'?"),
    ),
    broken(
        "plan of another provider",
        swap(NJ, "plan: vhp-4c-8gb-amd\n", "plan: s-4vcpu-8gb\n"),
        said=("plan: is not a plan of vultr", "it is a plan of digitalocean"),
    ),
    broken(
        "no plan",
        swap(SG, "      plan: s-4vcpu-8gb\n", ""),
        said=("Pulumi.sg.yaml:13: config.fleet:hosts.main.plan: is missing",),
    ),
    broken(
        "plan not offered there",
        append(HUB, "    big:\n      index: 1\n      provider: aws\n      service: ec2\n      plan: c7i.large\n"),
        said=("hosts.big.plan: is not offered in mx-central-1", "t3.medium"),
    ),
    broken(
        "Debian 13 at Lightsail",
        main_of_nj(LIGHTSAIL),
        said=("image: is not an image of lightsail", "debian-12", "ec2 has it: service: ec2"),
    ),
    broken(
        "unknown image",
        main_of_nj(NJ_MAIN + "      image: ubuntu-24\n"),
        said=("image: is not an image of vultr", "allowed: debian-13"),
    ),
    broken(
        "spot for main",
        main_of_nj(EC2 + "      spot: true\n"),
        said=("spot: is not allowed for main", "two minutes", "second host"),
    ),
    broken(
        "spot at Vultr",
        main_of_nj(NJ_MAIN + SPARE + "      index: 1\n      spot: true\n"),
        said=("hosts.spare.spot: is not possible at vultr", "rented at: ec2"),
    ),
    broken("spot as text", main_of_nj(EC2 + "      spot: maybe\n"), said=("spot: is not true or false",)),
    broken("no index", main_of_nj(NJ_MAIN + SPARE), said=("hosts.spare.index: is missing", "whole number from 0")),
    broken(
        "index of main",
        main_of_nj(NJ_MAIN + "      index: 3\n"),
        said=("hosts.main.index: is not the index of main", "0, or no index"),
    ),
    broken(
        "index taken by main",
        main_of_nj(NJ_MAIN + SPARE + "      index: 0\n"),
        said=("hosts.spare.index: is the index of host main already",),
    ),
    broken(
        "index without room",
        main_of_nj(NJ_MAIN + SPARE + "      index: 254\n"),
        said=("hosts.spare.index: does not fit into mesh.cidr", "0..253"),
    ),
    broken(
        "generation",
        main_of_nj(NJ_MAIN + "      generation: 0\n"),
        said=("generation: is too small", "whole number from 1"),
    ),
    broken(
        "port out of range",
        main_of_nj(NJ_MAIN + "      public_ports: [{port: 70000}]\n"),
        said=("public_ports[0].port: is too large", "1..65535"),
    ),
    broken(
        "port is no mapping",
        main_of_nj(NJ_MAIN + "      public_ports: [443]\n"),
        said=("public_ports[0]: is not a mapping", "port"),
    ),
    broken(
        "unknown protocol",
        main_of_nj(NJ_MAIN + "      public_ports: [{port: 443, protocol: tpc}]\n"),
        said=("public_ports[0].protocol: is not allowed", "tcp or udp", "'tcp'"),
    ),
    broken(
        "port twice",
        main_of_nj(NJ_MAIN + "      public_ports: [{port: 443}, {port: 443}]\n"),
        said=("public_ports[1]: stands twice", "443/tcp"),
    ),
    broken(
        "ssh for everyone",
        main_of_nj(NJ_MAIN + "      public_ports: [{port: 22}]\n"),
        said=("public_ports[0]: is the host's ssh port", "operators"),
    ),
    broken(
        "the mesh's second port",
        main_of_nj(NJ_MAIN + "      public_ports: [{port: 51821, protocol: udp}]\n"),
        said=("public_ports[0]: is a port of the mesh",),
    ),
    broken(
        "VPC meets mesh",
        main_of_nj(EC2 + "      vpc_cidr: 10.77.9.0/24\n"),
        said=("vpc_cidr: overlaps mesh.cidr 10.77.0.0/16",),
    ),
    broken(
        "VPC meets Docker",
        main_of_nj(EC2 + "      vpc_cidr: 172.20.0.0/16\n"),
        said=("vpc_cidr: overlaps docker_pool 172.20.0.0/14",),
    ),
    broken(
        "VPC too small",
        main_of_nj(EC2 + "      vpc_cidr: 10.90.0.0/29\n"),
        said=("vpc_cidr: is too small a network", "/16 to /28"),
    ),
    broken(
        "VPC meets VPC",
        main_of_nj(
            EC2 + "      vpc_cidr: 10.90.0.0/24\n    two:\n      index: 1\n" + EC2 + "      vpc_cidr: 10.90.0.0/25\n"
        ),
        said=("hosts.two.vpc_cidr: overlaps vpc_cidr of nj's host main 10.90.0.0/24",),
    ),
    broken(
        "pool meets Lightsail",
        swap(FLEET, "172.20.0.0/14", "172.24.0.0/14"),
        main_of_nj(LIGHTSAIL + "      image: debian-12\n"),
        said=("docker_pool: overlaps the private range of lightsail",),
    ),
    broken(
        "two behind NAT",
        main_of_nj(NJ_MAIN + "      behind_nat: true\n"),
        swap(SG, SG_MAIN, SG_MAIN + "      behind_nat: true\n"),
        said=(
            "Pulumi.sg.yaml:17: config.fleet:hosts.main.behind_nat: is true for nj's host main already",
            "cannot reach each other",
        ),
    ),
    broken(
        "one id for two hosts",
        main_of_nj(NJ_MAIN + "    a-b:\n      index: 1\n" + NJ_MAIN),
        swap(FLEET, "  sg:\n", "  nj-a:\n"),
        lambda root: (root / SG).rename(root / "Pulumi.nj-a.yaml"),
        swap("Pulumi.nj-a.yaml", SG_MAIN, SG_MAIN + "    b:\n      index: 1\n" + SG_MAIN),
        swap(ADDRESSES, "nj, sg", "nj"),
        said=("would be 'nj-a-b' in the fleet",),
        problems=2,
    ),
]

ADOPTED = [
    broken(
        "host key missing",
        swap(HUB, f"      host_key: ssh-ed25519 {ZEROS} placeholder\n", ""),
        said=(
            "Pulumi.hub.yaml:9: config.fleet:hosts.main.host_key: is missing",
            "ssh-keyscan -t ed25519 203.0.113.10",
            "compare",
        ),
    ),
    broken(
        "host key of another type",
        swap(HUB, f"ssh-ed25519 {ZEROS}", f"ssh-rsa {ZEROS}"),
        said=("host_key: does not start with a known key type", "ssh-ed25519", "ssh-keyscan"),
    ),
    broken(
        "host key cut off",
        swap(HUB, f"{ZEROS} placeholder", ZEROS[:60]),
        said=("host_key: is cut off or mistyped", "ssh-keyscan"),
    ),
    broken(
        "host key is not base64",
        swap(HUB, f"{ZEROS} placeholder", "~" + ZEROS[1:]),
        said=("host_key: is cut off or mistyped", "base64"),
    ),
    broken(
        "no address",
        swap(HUB, "address: 203.0.113.10", "address: hub.example.com"),
        said=("address: is not an IPv4 address", "203.0.113.10"),
    ),
    broken(
        "loopback",
        swap(HUB, "address: 203.0.113.10", "address: 127.0.0.1"),
        said=("address: is not the address of a server",),
    ),
    broken(
        "address in the mesh",
        swap(HUB, "address: 203.0.113.10", "address: 10.77.0.1"),
        said=("address: lies in mesh.cidr 10.77.0.0/16",),
    ),
    broken(
        "address twice",
        append(HUB, "    two:\n      index: 1\n" + EXISTING.replace("113.11", "113.10")),
        said=("hosts.two.address: is the address of hub's host main already",),
    ),
    broken(
        "no price", swap(HUB, '      monthly_price: "30.00"\n', ""), said=("monthly_price: is missing", "US dollars")
    ),
    broken("price as a float", swap(HUB, '"30.00"', "30.5"), said=("monthly_price: is not an amount in quotes",)),
    broken("ssh port", swap(HUB, "ssh_port: 22", "ssh_port: 0"), said=("ssh_port: is too small", "1..65535")),
    broken("ssh user", swap(HUB, "ssh_user: root", "ssh_user: ro ot"), said=("ssh_user: is not a user name",)),
    broken(
        "its own ssh port public",
        swap(HUB, "ssh_port: 22", "ssh_port: 2222\n      public_ports: [{port: 2222}]"),
        said=("public_ports[0]: is the host's ssh port",),
    ),
    broken(
        "a location of what exists",
        swap(HUB, "ssh_user: root", "location: mex"),
        said=("hosts.main.location: is not a known key", "ssh_user"),
    ),
]

MAIN_HUB_RAM = "      memory_gb: 16\n"
LDN, CHI, FRA = "Pulumi.ldn.yaml", "Pulumi.chi.yaml", "Pulumi.fra.yaml"

VENUES = [
    broken(
        "two regions trade one account",
        swap(TYO, "binance: standby", "binance: active"),
        said=(
            "Pulumi.tyo.yaml:6: config.fleet:venues.binance: is the mode of account main of binance in sg already",
            "standby, or standby in sg",
            "fleet venue move binance --account main --to tyo",
        ),
    ),
    broken(
        "a venue that refuses the region's country, only standing by",
        swap(NJ, "alpaca: active", "bybit: standby"),
        said=(
            "fleet:venues.bybit: cannot be in US: Bybit refuses US addresses (HTTP 403",
            "one of the regions sg, ",
            "the nearest to Bybit is sg",
        ),
    ),
    broken(
        "a feed that refuses the region's country",
        swap(NJ, "alpaca: active", "binance-market-data: active"),
        said=("fleet:venues.binance-market-data: cannot be in US", "HTTP 451 to US addresses"),
    ),
    broken(
        "a venue misspelt",
        swap(NJ, "alpaca: active", "alpacca: active"),
        said=("fleet:venues.alpacca: is not a venue of the catalogue", "did you mean 'alpaca'?"),
    ),
    broken(
        "a disabled venue",
        swap(SG, "    bybit: active\n", "    bybit: active\n    mexc: standby\n"),
        said=("fleet:venues.mexc: is a mode for mexc, which is disabled", "no mode for it", "remove the line"),
    ),
    broken(
        "a mode misspelt",
        swap(NJ, "alpaca: active", "alpaca: activ"),
        said=("fleet:venues.alpaca: is not allowed", "active or standby, or a mapping of accounts", "'active'"),
    ),
    broken(
        "an account without a mode",
        swap(NJ, "{us: active}", "{us: }"),
        said=("fleet:venues.interactive-brokers.us: is not allowed", "active or standby"),
    ),
    broken(
        "a venue without an account",
        swap(NJ, "coinbase: active", "coinbase: {}"),
        said=("fleet:venues.coinbase: names no account",),
    ),
    broken(
        "an account that is no name",
        swap(NJ, "{us: active}", "{U_S: active}"),
        said=("fleet:venues.interactive-brokers.U_S: is not a name", "DNS label"),
    ),
    broken(
        "venues as a list",
        swap(FRA, "interactive-brokers: {eu: active}", "interactive-brokers: [eu]"),
        said=("fleet:venues.interactive-brokers: is not allowed",),
        problems=2,
    ),
    broken(
        "one session, two regions",
        swap(FRA, "interactive-brokers: {eu: active}", "interactive-brokers: {europe: standby}"),
        swap(FRA, "ib-market-data: {eu: active}", "ib-market-data: {europe: active}"),
        said=(
            "fleet:venues.interactive-brokers.europe: has 1 session at once for account europe: fra",
            "another account",
        ),
    ),
    broken(
        "two accounts of a venue in one region",
        swap(NJ, "coinbase: active", "coinbase: {main: active, second: active}"),
        said=("coinbase.second: sets Coinbase__ApiKey in this region, as coinbase (main) does", "another region"),
    ),
    broken(
        "a feed without its broker",
        swap(CHI, "    ninjatrader: active\n", ""),
        said=("fleet:venues.cme: is read through account main of ninjatrader, which this region does not use",),
    ),
    broken(
        "a broker where nothing trades",
        swap(HUB, "yfinance: active", "yfinance: active\n    alpaca: standby"),
        said=("fleet:venues.alpaca: needs the bundle trading", "trading in fleet:bundles (now: questdb, redis, hub)"),
    ),
    broken(
        "a bundle misspelt",
        swap(FRA, "[redis, trading, data]", "[redis, tradin, trading, data]"),
        said=("fleet:bundles[1]: is not a bundle", "questdb, redis, trading, data, hub", "did you mean 'trading'?"),
    ),
    broken(
        "a bundle twice",
        swap(FRA, "[redis, trading, data]", "[redis, trading, data, redis]"),
        said=("fleet:bundles[3]: stands twice", "each bundle once"),
    ),
    broken(
        "bundles as one word",
        swap(FRA, "[redis, trading, data]", "redis"),
        said=("fleet:bundles: is not a list", "a list of questdb"),
    ),
    broken(
        "two data services on one host",
        swap(HUB, "  fleet:venues:\n", "  fleet:bundles: [questdb, redis, data, hub]\n  fleet:venues:\n"),
        said=("fleet:bundles: has data and hub, and both bring a data service", "one of data and hub"),
    ),
    broken(
        "a hub without the primary",
        swap(HUB, "  fleet:venues:\n", "  fleet:bundles: [redis, hub]\n  fleet:venues:\n"),
        said=("fleet:bundles: of the hub lacks questdb, the primary", "questdb among them"),
    ),
    broken(
        "the hub's bundle elsewhere",
        swap(CHI, "[redis, trading, data]", "[redis, trading, hub]"),
        said=("fleet:bundles[2]: runs in the hub alone, which is hub",),
    ),
    broken(
        "a member that is no region",
        swap(FLEET, "members: [hub, nj, sg]", "members: [hub, nj, sgp]"),
        said=("redis.members[2]: is not a region", "hub, nj, sg, ldn", "did you mean 'sg'?"),
    ),
    broken(
        "a member twice",
        swap(FLEET, "members: [hub, nj, sg]", "members: [hub, nj, nj]"),
        said=("redis.members[2]: stands twice",),
    ),
    broken(
        "a member that leaves",
        swap(FLEET, "leaving: []", "leaving: [nj]"),
        said=("redis.leaving[0]: is a member and leaving",),
    ),
    broken(
        "a member without Redis",
        swap(SG, "  fleet:venues:\n", "  fleet:bundles: [questdb, trading, data]\n  fleet:venues:\n"),
        said=(
            "fleet.yaml",
            "redis.members[2]: does not run the bundle redis",
        ),
    ),
    broken(
        "an edition that there is not",
        swap(FLEET, "edition: oss", "edition: os"),
        said=("questdb.edition: is not allowed", "oss or enterprise", "did you mean 'oss'?"),
    ),
    broken(
        "an edition without its settings",
        as_enterprise("edition: enterprise"),
        said=("questdb.enterprise: is missing", "primary, object_store and start"),
    ),
    broken(
        "settings of another edition",
        swap(FLEET, "edition: oss", enterprise(edition="oss")),
        said=("questdb.enterprise: is not used while questdb.edition is oss",),
    ),
    broken(
        "copies beside Enterprise's own",
        swap(FLEET, "edition: oss", enterprise()),
        said=("questdb.backup: is for the open-source edition", "BACKUP DATABASE"),
    ),
    broken(
        "two primaries",
        as_enterprise(enterprise(primary="nj")),
        said=("questdb.enterprise.primary: is not the hub", "after the database of the old primary was stopped"),
    ),
    broken(
        "an object store of one host",
        swap(FLEET, "edition: oss", enterprise(store="fs::root=/mnt/log;")),
        said=("questdb.enterprise.object_store: is not an object store that the hosts can share", "s3::"),
    ),
    broken(
        "an object store's credential in clear",
        swap(FLEET, "edition: oss", enterprise(store=f"{S3}secret_access_key=x;")),
        said=("questdb.enterprise.object_store: has a credential in clear", "set it as a secret"),
    ),
    broken(
        "an object store without its end",
        swap(FLEET, "edition: oss", enterprise(store=S3.removesuffix(";"))),
        said=("questdb.enterprise.object_store: does not end with ';'",),
    ),
    broken(
        "an object store that lacks a setting",
        swap(FLEET, "edition: oss", enterprise(store="s3::bucket=b;root=r;")),
        said=("questdb.enterprise.object_store: does not say each of bucket, root, region once",),
    ),
    broken(
        "an object store with an empty setting",
        swap(FLEET, "edition: oss", enterprise(store="gcs::bucket=;root=r;")),
        said=("questdb.enterprise.object_store: has a value that is empty",),
    ),
    broken(
        "a replica that looks too often",
        swap(FLEET, "edition: oss", enterprise(more="poll_ms: 1")),
        said=("questdb.enterprise.poll_ms", "milliseconds, 50..10000"),
    ),
    broken(
        "copies to a host that there is not",
        swap(FLEET, "    to: nj", "    to: njx"),
        said=("fleet.yaml", "questdb.backup.to: is not a host", "a rented host of another region: ", "mean 'nj'?"),
    ),
    broken(
        "copies to the hub itself",
        swap(FLEET, "    to: nj", "    to: hub"),
        said=("questdb.backup.to: stands in the hub's region", "a rented host of another region: "),
    ),
    broken(
        "copies to somebody else's server",
        main_of_nj(EXISTING),
        said=("questdb.backup.to: is somebody else's server", "a rented host of another region: "),
    ),
    broken(
        "copies to a store of objects",
        swap(FLEET, "    to: nj", "    to: s3://copies/fleet"),
        said=("questdb.backup.to: is not supported: a copy goes over the mesh to a host of the fleet",),
    ),
    broken(
        "copies at no time of day",
        swap(FLEET, "every: 6h", "every: 5h"),
        said=("questdb.backup.every: is not allowed", "one of 1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h"),
    ),
    broken(
        "one copy",
        swap(FLEET, "keep: 8", "keep: 1"),
        said=("questdb.backup.keep", "a whole number 2..1000"),
    ),
    broken(
        "copies without a place",
        swap(FLEET, "    to: nj\n", ""),
        said=("questdb.backup.to: is missing",),
    ),
    broken(
        "no command for credentials",
        swap(FLEET, "source: file", "source: command"),
        said=("credentials.command: is missing", "[pass, show, 'fleet/{name}']"),
    ),
    broken(
        "a command that asks for nothing",
        swap(FLEET, "source: file", "source: command\n  command: [pass, show]"),
        said=("credentials.command: does not say {name}",),
    ),
    broken(
        "a command that is not used",
        swap(FLEET, "source: file", "source: file\n  command: [pass, '{name}']"),
        said=("credentials.command: is not used while credentials.source is file",),
    ),
    broken(
        "more than the plan's memory",
        swap(NJ, NJ_MAIN, NJ_MAIN.replace("vhp-4c-8gb-amd", "vhp-2c-2gb-amd")),
        said=(
            "hosts.main.plan: has 2000 MB, and its bundles (questdb, redis, trading, data) may take",
            "a larger plan",
        ),
    ),
    broken(
        "more than the hub's memory",
        swap(HUB, MAIN_HUB_RAM, "      memory_gb: 8\n"),
        said=("hosts.main.memory_gb: has 8000 MB", "may take", "fewer bundles"),
    ),
]

ALL = [*FILES, *FACTS, *REGIONS, *STACKS, *ADOPTED, *VENUES]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the default files."""
    for file in (ROOT / FLEET, *ROOT.glob("Pulumi.*.yaml")):
        shutil.copy(file, tmp_path)
    return tmp_path


def refused(root: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(root)
    return caught.value


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.about)
def test_the_report_says(case: Broken, root: Path) -> None:
    for edit in case.edits:
        edit(root)
    error = refused(root)
    matching = [problem for problem in error.problems if all(part in str(problem) for part in case.said)]
    assert matching, f"no problem says {case.said} in:\n{error}"
    assert len(error.problems) == case.problems, str(error)


def test_there_are_many_cases() -> None:
    assert len(ALL) >= 60
    assert len({case.about for case in FACTS}) == len(FACTS)


def test_the_problems_of_all_files_come_in_one_report(root: Path) -> None:
    for edit in (
        swap(FLEET, "name: fleet", "name: My Fleet"),
        swap(FLEET, "place: singapore", "place: singapoor"),
        swap(NJ, "plan: vhp-4c-8gb-amd\n", "plan: huge\n"),
        swap(HUB, "ssh_port: 22", "ssh_port: many"),
        swap(ADDRESSES, "nj, sg", "nj, mars"),
        append(TYO, "oops: 1\n"),
        append("Pulumi.fra.yaml", "\tbad"),
        remove("Pulumi.ldn.yaml"),
    ):
        edit(root)
    error = refused(root)
    files = [problem.file for problem in error.problems]
    assert files == sorted(files)
    assert str(error).startswith("the fleet's configuration has 8 problems in 7 files:")
    assert set(files) == {FLEET, NJ, HUB, ADDRESSES, TYO, "Pulumi.fra.yaml", "Pulumi.ldn.yaml"}


def test_one_wrong_value_does_not_hide_the_others_of_its_host_or_region(root: Path) -> None:
    swap(
        SG,
        SG_MAIN,
        "      provider: digitalocean\n      plan: huge\n      image: debian-11\n      public_ports: [443]\n",
    )(root)
    swap(FLEET, "index: 2", "index: 1\n    colour: red")(root)
    swap(FLEET, "cidr: 10.77.0.0/16", "cidr: 8.8.0.0/16")(root)
    swap(FLEET, "mtu: 1420", "mtu: 9000")(root)
    keys = {problem.key for problem in refused(root).problems}
    main = "config.fleet:hosts.main"
    assert keys == {
        "mesh.cidr",
        "mesh.mtu",
        "regions.sg.colour",
        "regions.sg.index",
        f"{main}.plan",
        f"{main}.image",
        f"{main}.public_ports[0]",
    }


def test_a_private_key_is_not_repeated_in_the_report(root: Path) -> None:
    swap(FLEET, "keys: {}", 'keys: {al: "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"}')(root)
    assert "c2VjcmV0" not in str(refused(root))


def test_an_unknown_key_is_named_without_its_value(root: Path) -> None:
    append(NJ, "  fleet:token: hunter2\n")(root)
    error = refused(root)
    assert "fleet:token" in str(error)
    assert "hunter2" not in str(error)


def test_a_long_value_is_shortened(root: Path) -> None:
    swap(FLEET, "name: fleet", f"name: {'x' * 5000}")(root)
    assert max(map(len, str(refused(root)).splitlines())) < 200
