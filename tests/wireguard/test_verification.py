"""The mesh matrix, from outputs as wg and ping print them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from wireguard.plan import MeshError, Node, plan
from wireguard.verification import LinkState, NodeReport, Ping, judge, parse_dump, parse_ping

MESH = plan(
    [Node(name, IPv4Address(f"10.77.{index}.1")) for index, name in enumerate(("hub", "nj", "sg"))],
    cidr=IPv4Network("10.77.0.0/16"),
)
PUBLIC = {"hub": "HUB=", "nj": "NJ=", "sg": "SG="}
NOW = 1_800_000_000

DUMP = (
    "PRIVATE=\tHUB=\t51820\toff\n"
    f"NJ=\tPSK=\t198.18.0.2:51820\t10.77.1.1/32\t{NOW - 60}\t1234\t5678\t25\n"
    "SG=\tPSK=\t(none)\t10.77.2.1/32\t0\t0\t148\t25\n"
)
PING = """\
PING 10.77.1.1 (10.77.1.1) 56(84) bytes of data.
64 bytes from 10.77.1.1: icmp_seq=1 ttl=64 time=4.00 ms
64 bytes from 10.77.1.1: icmp_seq=2 ttl=64 time=2.00 ms
64 bytes from 10.77.1.1: icmp_seq=2 ttl=64 time=9.00 ms (DUP!)
64 bytes from 10.77.1.1: icmp_seq=4 ttl=64 time=3.50 ms

--- 10.77.1.1 ping statistics ---
4 packets transmitted, 3 received, +1 duplicates, 25% packet loss, time 3005ms
rtt min/avg/max/mdev = 2.000/3.166/4.000/0.849 ms
"""


def hub_report(text: str = DUMP, now: int = NOW) -> NodeReport:
    return NodeReport(parse_dump(text), now, {"nj": Ping(2, 2, (4.0, 2.0))})


def test_a_dump_is_read_without_its_secrets() -> None:
    dump = parse_dump(DUMP)
    assert (dump.public_key, dump.port) == ("HUB=", 51820)
    assert [(peer.public_key, peer.endpoint, peer.latest_handshake) for peer in dump.peers] == [
        ("NJ=", "198.18.0.2:51820", NOW - 60),
        ("SG=", None, 0),
    ]
    assert "PRIVATE=" not in repr(dump)
    assert "PSK=" not in repr(dump)


@pytest.mark.parametrize("text", ["", "Unable to access interface: No such device\n", DUMP + "x\ty\n"])
def test_another_output_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(MeshError, match="not an output of 'wg show <interface> dump'") as error:
        parse_dump(text)
    assert "PSK=" not in str(error.value)


def test_a_ping_is_read() -> None:
    ping = parse_ping(PING)
    assert (ping.sent, ping.received, ping.lost, ping.times) == (4, 3, 1, (4.0, 2.0, 3.5))


def test_a_ping_without_answer_is_read() -> None:
    assert parse_ping("5 packets transmitted, 0 received, 100% packet loss, time 4087ms\n").lost == 5


def test_what_is_no_ping_is_refused() -> None:
    with pytest.raises(MeshError, match="no line"):
        parse_ping("ping: connect: Network is unreachable\n")


def test_the_matrix_shows_age_and_round_trip_of_each_link() -> None:
    link = judge(MESH, PUBLIC, {"hub": hub_report()}).link("hub", "nj")
    assert (link.state, link.handshake_age, link.rtt_median, link.rtt_max) == (LinkState.OK, 60, 3.0, 4.0)


def test_every_pair_is_in_the_matrix_in_both_directions() -> None:
    links = [(link.node, link.peer) for link in judge(MESH, PUBLIC, {})]
    assert links == [("hub", "nj"), ("hub", "sg"), ("nj", "hub"), ("nj", "sg"), ("sg", "hub"), ("sg", "nj")]


@pytest.mark.parametrize(("age", "state"), [(0, LinkState.OK), (180, LinkState.OK), (181, LinkState.STALE)])
def test_a_handshake_counts_for_three_minutes(age: int, state: LinkState) -> None:
    assert judge(MESH, PUBLIC, {"hub": hub_report(now=NOW - 60 + age)}).link("hub", "nj").state is state


def test_a_clock_that_was_set_back_is_no_negative_age() -> None:
    assert judge(MESH, PUBLIC, {"hub": hub_report(now=NOW - 100)}).link("hub", "nj").handshake_age == 0


def test_a_region_that_has_not_called_yet_is_waited_for() -> None:
    link = judge(MESH, PUBLIC, {"hub": hub_report()}).link("hub", "sg")
    assert (link.state, link.reason) == (LinkState.WAITING, "hub has had no handshake with sg yet")


def test_a_node_that_does_not_report_is_missing() -> None:
    link = judge(MESH, PUBLIC, {"hub": hub_report()}).link("nj", "hub")
    assert (link.state, link.reason) == (LinkState.MISSING, "nj did not report")


def test_a_peer_with_another_key_is_missing() -> None:
    link = judge(MESH, {**PUBLIC, "nj": "OTHER="}, {"hub": hub_report()}).link("hub", "nj")
    assert (link.state, link.reason) == (LinkState.MISSING, "hub does not know nj by its key of this epoch")


@pytest.mark.parametrize(("held", "shown"), [("(none)", "none"), ("10.77.0.0/24", "10.77.0.0/24")])
def test_a_stolen_address_is_found_though_wg_reported_success(held: str, shown: str) -> None:
    link = judge(MESH, PUBLIC, {"hub": hub_report(DUMP.replace("10.77.1.1/32", held))}).link("hub", "nj")
    assert link.state is LinkState.MISSING
    assert link.reason == f"hub allows nj the addresses {shown} instead of 10.77.1.1/32"


def test_what_keeps_the_mesh_from_standing() -> None:
    reports = {"hub": hub_report()}
    matrix = judge(MESH, PUBLIC, reports)
    assert [(link.node, link.peer) for link in matrix.broken({"hub", "nj"})] == [("nj", "hub")]
    lossy = {"hub": replace(reports["hub"], pings={"nj": Ping(3, 2, (1.0, 1.0))})}
    assert ("hub", "nj") in [(link.node, link.peer) for link in judge(MESH, PUBLIC, lossy).broken({"hub", "nj"})]


def test_a_pair_that_is_not_in_the_mesh() -> None:
    with pytest.raises(MeshError, match="no link from 'hub' to 'ldn'"):
        judge(MESH, PUBLIC, {}).link("hub", "ldn")
