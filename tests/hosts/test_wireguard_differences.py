"""Which differences count: the texts of ``wg`` as values, and the rule for peers that roamed."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from hosts.agent.wireguard import prefix_of, read_addresses, read_routes
from hosts.agent.wireguard_config import (
    NO_PSK,
    SESSION_SECONDS,
    Interface,
    Peer,
    differences,
    keep_roaming,
    parse_config,
    parse_dump,
    render_for_wg,
)

A, B, C = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b", b"c"))
NOW = 1_800_000_000.0

DUMP = (
    f"{A}\t{B}\t51820\toff\n"
    f"{B}\t(none)\t198.18.0.2:51820\t198.18.77.2/32,198.18.80.0/24\t{int(NOW) - 10}\t92\t180\t25\n"
    f"{C}\t{A}\t(none)\t(none)\t0\t0\t0\toff\n"
)

CONFIG = f"""\
# nj
[Interface]
Address = 198.18.77.1/32
MTU = 1420
ListenPort = 51820
PrivateKey = {A}

[Peer]
# sg
PublicKey = {B}
AllowedIPs = 198.18.77.2/32, 198.18.80.0/24
Endpoint = 198.18.0.2:51820
PersistentKeepalive = 25
[Peer]
PublicKey = {C}
PresharedKey = {A}
"""


def test_configuration_and_dump_of_the_same_interface_are_equal() -> None:
    assert differences(parse_config(CONFIG), parse_dump(DUMP)) == []


def test_what_is_sent_to_wg_states_everything() -> None:
    text = render_for_wg(parse_config(CONFIG))
    assert f"PresharedKey = {NO_PSK}" in text
    assert "PersistentKeepalive = off" in text
    assert "FwMark = 0" in text
    assert "Address" not in text
    assert "MTU" not in text
    assert parse_config(text) == parse_config(CONFIG)


@pytest.mark.parametrize(
    ("age", "persisted_endpoint", "kept"),
    [
        (10, "198.18.0.2:51820", True),
        (SESSION_SECONDS + 1, "198.18.0.2:51820", False),
        (10, "198.18.0.9:51820", False),
        (10, None, False),
    ],
    ids=["alive elsewhere", "silent for too long", "the wanted endpoint is new", "nothing persisted"],
)
def test_a_peer_that_roamed_keeps_its_endpoint(age: int, persisted_endpoint: str | None, kept: bool) -> None:
    desired = parse_config(CONFIG)
    running = parse_dump(DUMP)
    roamed = replace(running.peers[B], endpoint="198.18.5.5:40000", latest_handshake=int(NOW) - age)
    running = replace(running, peers={**running.peers, B: roamed})
    persisted = None
    if persisted_endpoint is not None:
        persisted = replace(desired, peers={**desired.peers, B: replace(desired.peers[B], endpoint=persisted_endpoint)})
    found = differences(keep_roaming(desired, running, persisted, NOW), running)
    assert found == ([] if kept else [f"peer {B[:8]}...: endpoint 198.18.5.5:40000 -> 198.18.0.2:51820"])


def test_peers_come_and_go() -> None:
    empty = Interface(A, 51820, 0, {})
    full = Interface(A, 51820, 0, {B: Peer(B, allowed_ips=frozenset({"198.18.77.2/32"}))})
    assert differences(full, empty) == [f"peer {B[:8]}...: added for 198.18.77.2/32, endpoint none"]
    assert differences(empty, full) == [f"peer {B[:8]}...: removed"]


def test_iproute_texts() -> None:
    addresses = """[{"ifname": "wg0", "flags": ["POINTOPOINT", "UP"], "mtu": 1420, "addr_info": [
        {"family": "inet", "local": "198.18.77.1", "prefixlen": 32, "scope": "global"},
        {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}]}]"""
    assert read_addresses(addresses) == (frozenset({"198.18.77.1/32"}), 1420, True)
    routes = """[{"dst": "198.18.77.2", "scope": "link", "flags": []},
        {"dst": "198.18.77.0/24", "protocol": "kernel", "prefsrc": "198.18.77.1"}]"""
    assert read_routes(routes) == (frozenset({"198.18.77.0/24"}), frozenset({"198.18.77.2/32"}))
    assert read_routes("") == (frozenset(), frozenset())
    assert [prefix_of(text) for text in ("default", "10.0.0.1", "fd00::1")] == [
        "0.0.0.0/0",
        "10.0.0.1/32",
        "fd00::1/128",
    ]
