"""Keys and configuration texts: symmetric, stable when the mesh grows, and what the real ``wg`` reads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.secrets import Vault
from wireguard.keys import MeshKeys, PlainKeys, ReferencedKeys, preshared_path
from wireguard.plan import MeshPlan, Node, plan
from wireguard.render import render_all, render_node, render_routes

MASTER = bytes(range(32))
VAULT = Vault(MASTER)
CIDR = IPv4Network("10.77.0.0/16")
HUB = Node("hub", IPv4Address("10.77.0.1"), "198.18.0.1:51820")
NJ = Node("nj", IPv4Address("10.77.1.1"), "198.18.0.2:51820")
SG = Node("sg", IPv4Address("10.77.2.1"))
THREE = plan([HUB, NJ, SG], cidr=CIDR)

numbers = st.lists(st.integers(1, 60), min_size=1, max_size=7, unique=True)


def nodes_of(chosen: list[int]) -> list[Node]:
    return [Node(f"n{number}", CIDR.network_address + number, f"198.18.0.{number}:51820") for number in chosen]


def peers_of(text: str) -> dict[str, dict[str, str]]:
    """The settings of each peer section, by public key."""
    sections = [dict(re.findall(r"^(\w+) = (.+)$", part, re.MULTILINE)) for part in text.split("[Peer]")[1:]]
    return {section["PublicKey"]: section for section in sections}


def test_a_configuration_reads_as_wg_quick_documents_it() -> None:
    keys = PlainKeys(MASTER)
    assert (
        render_node(THREE, "nj", keys)
        == f"""\
# nj: keys of epoch 1, pre-shared keys of epoch 1
[Interface]
Address = 10.77.1.1/32
ListenPort = 51820
PrivateKey = {keys.private(NJ)}
MTU = 1420
Table = off

# hub
[Peer]
PublicKey = {keys.public(HUB)}
PresharedKey = {keys.preshared("hub", "nj", "1")}
AllowedIPs = 10.77.0.1/32
Endpoint = 198.18.0.1:51820
PersistentKeepalive = 25

# sg
[Peer]
PublicKey = {keys.public(SG)}
PresharedKey = {keys.preshared("nj", "sg", "1")}
AllowedIPs = 10.77.2.1/32
PersistentKeepalive = 25
"""
    )


def test_routes_are_one_address_a_line() -> None:
    assert render_routes(THREE, "nj") == "10.77.0.1/32\n10.77.2.1/32\n"


@given(numbers)
def test_every_link_is_symmetric(chosen: list[int]) -> None:
    mesh, keys = plan(nodes_of(chosen), cidr=CIDR), PlainKeys(MASTER)
    texts = render_all(mesh, keys)
    for first in mesh.nodes:
        for second in mesh.nodes:
            if first is second:
                continue
            there = peers_of(texts[first.name])[keys.public(second)]
            back = peers_of(texts[second.name])[keys.public(first)]
            assert there["PresharedKey"] == back["PresharedKey"]
            assert (there["AllowedIPs"], there["Endpoint"]) == (f"{second.address}/32", second.endpoint)


@given(numbers, st.sampled_from([PlainKeys(MASTER), ReferencedKeys(VAULT)]))
def test_one_node_renders_as_all_do(chosen: list[int], keys: MeshKeys) -> None:
    mesh = plan(nodes_of(chosen), cidr=CIDR)
    assert render_all(mesh, keys) == {node.name: render_node(mesh, node.name, keys) for node in mesh.nodes}


@given(numbers)
def test_every_secret_is_another_one(chosen: list[int]) -> None:
    texts = render_all(plan(nodes_of(chosen), cidr=CIDR), PlainKeys(MASTER))
    shared = re.findall(r"PresharedKey = (.+)", "".join(texts.values()))
    count = len(chosen)
    assert len(set(shared)) == count * (count - 1) // 2
    assert len(set(re.findall(r"PrivateKey = (.+)", "".join(texts.values())))) == count


@given(numbers, st.integers(61, 99))
def test_a_new_node_changes_nothing_that_was_there(chosen: list[int], added: int) -> None:
    keys = PlainKeys(MASTER)
    before = render_all(plan(nodes_of(chosen), cidr=CIDR), keys)
    after = render_all(plan(nodes_of([*chosen, added]), cidr=CIDR), keys)
    for name, text in before.items():
        grown = peers_of(after[name])
        assert {key: grown[key] for key in peers_of(text)} == peers_of(text)
        own = text.partition("\n\n")[0].strip()
        assert after[name].startswith(f"{own}\n")


def test_a_learnt_endpoint_is_the_only_change() -> None:
    found = plan([HUB, NJ, replace(SG, endpoint="198.18.0.3:51820")], cidr=CIDR)
    keys = PlainKeys(MASTER)
    before, after = (set(render_node(mesh, "nj", keys).splitlines()) for mesh in (THREE, found))
    assert (after - before, before - after) == ({"Endpoint = 198.18.0.3:51820"}, set())


def test_one_nodes_new_key_leaves_all_others_and_the_pairs() -> None:
    renewed = plan([HUB, replace(NJ, epoch="1.2"), SG], cidr=CIDR)
    keys = PlainKeys(MASTER)
    before, after = render_all(THREE, keys), render_all(renewed, keys)
    assert re.findall("PresharedKey.*", "".join(before.values())) == re.findall(
        "PresharedKey.*", "".join(after.values())
    )
    changed = set(after["hub"].splitlines()) - set(before["hub"].splitlines())
    assert changed == {f"PublicKey = {keys.public(replace(NJ, epoch='1.2'))}"}


def test_a_new_epoch_of_pre_shared_keys_leaves_the_private_ones() -> None:
    renewed = plan([HUB, NJ, SG], cidr=CIDR, psk_epoch="2")
    keys = PlainKeys(MASTER)
    changed = set(render_node(renewed, "hub", keys).splitlines()) - set(render_node(THREE, "hub", keys).splitlines())
    assert {line.split(" = ")[0] for line in changed} == {
        "PresharedKey",
        "# hub: keys of epoch 1, pre-shared keys of epoch 2",
    }


def test_references_fill_to_the_plain_text_and_hold_no_secret() -> None:
    referenced, plain = render_all(THREE, ReferencedKeys(VAULT)), render_all(THREE, PlainKeys(MASTER))
    for name, text in referenced.items():
        assert VAULT.fill(text) == plain[name]
        for secret in re.findall(r"(?:PrivateKey|PresharedKey) = (.+)", plain[name]):
            assert secret not in text


def test_both_ends_name_a_pair_alike() -> None:
    assert preshared_path("nj", "hub", "1") == preshared_path("hub", "nj", "1") == ("mesh", "psk", "hub", "nj", "1")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("wireguard-go") is None or not Path("/dev/net/tun").exists(),
    reason="needs root, wireguard-go and /dev/net/tun",
)
def test_the_host_scripts_bring_up_what_the_configuration_says(tmp_path: Path) -> None:
    _bring_up(THREE, tmp_path)


def _bring_up(mesh: MeshPlan, folder: Path) -> None:
    """Run the scripts of ``templates/mesh`` in a namespace of their own, with their files under ``folder``."""
    from templates.render import render

    interface = f"fl{os.getpid() % 100000}"
    (folder / f"{interface}.conf").write_text(render_node(mesh, "nj", PlainKeys(MASTER)))
    (folder / f"{interface}.routes").write_text(render_routes(mesh, "nj"))
    for name in ("wg-run", "wg-up"):
        text = render(f"mesh/{name}.j2").replace("/etc/wireguard", str(folder)).replace("/etc/fleet/mesh", str(folder))
        (folder / name).write_text(text)
    script = f"""
        set -e
        sh {folder}/wg-run {interface} >/dev/null 2>&1 & run=$!
        trap 'kill $run' EXIT
        sh {folder}/wg-up {interface}
        sh {folder}/wg-up {interface}
        ip -4 -o address show dev {interface}
        ip link show dev {interface}
        ip -4 route show dev {interface}
        wg show {interface} allowed-ips
        wg show {interface} listen-port
    """
    result = subprocess.run(["unshare", "--net", "bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    shown = result.stdout
    assert "inet 10.77.1.1/32" in shown
    assert "mtu 1420" in shown
    assert {"10.77.0.1 scope link", "10.77.2.1 scope link"} <= {line.strip() for line in shown.splitlines()}
    keys = PlainKeys(MASTER)
    assert f"{keys.public(HUB)}\t10.77.0.1/32" in shown
    assert f"{keys.public(SG)}\t10.77.2.1/32" in shown
    assert shown.endswith("51820\n")
