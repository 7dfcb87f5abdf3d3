"""The plan of the mesh: what it promises for any set of nodes, and everything it refuses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wireguard.plan import MeshError, MeshPlan, Node, mtu_for_path, mtu_for_paths, plan

CIDR = IPv4Network("10.77.0.0/16")

names = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)


@st.composite
def node_sets(draw: st.DrawFn, largest: int = 8) -> list[Node]:
    chosen = draw(st.lists(names, min_size=1, max_size=largest, unique=True))
    addresses = draw(st.lists(st.integers(1, 65534), min_size=len(chosen), max_size=len(chosen), unique=True))
    known = draw(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)))
    hidden = draw(st.integers(0, len(chosen)))
    return [
        Node(
            name,
            CIDR.network_address + address,
            endpoint=f"198.18.0.{number + 1}:51820" if has_endpoint else None,
            behind_nat=number == hidden,
        )
        for number, (name, address, has_endpoint) in enumerate(zip(chosen, addresses, known, strict=True))
    ]


def mesh_of(*nodes: Node) -> MeshPlan:
    return plan(nodes, cidr=CIDR)


@given(node_sets())
def test_every_node_is_a_peer_of_every_other_one(nodes: list[Node]) -> None:
    mesh = mesh_of(*nodes)
    for node in nodes:
        assert [peer.name for peer in mesh.peers(node.name)] == sorted({n.name for n in nodes} - {node.name})


@given(node_sets())
def test_all_see_a_node_in_the_same_way(nodes: list[Node]) -> None:
    mesh = mesh_of(*nodes)
    for node in nodes:
        seen = {peer for other in nodes if other != node for peer in mesh.peers(other.name) if peer.name == node.name}
        assert len(seen) <= 1
        for peer in seen:
            assert peer.allowed_ips == (f"{node.address}/32",)
            assert peer.endpoint == (None if node.behind_nat else node.endpoint)
            assert peer.keepalive == 25


@given(node_sets())
def test_no_two_peers_share_an_address(nodes: list[Node]) -> None:
    mesh = mesh_of(*nodes)
    for node in nodes:
        routes = [IPv4Network(route) for route in mesh.routes(node.name)]
        assert all(route.prefixlen == 32 for route in routes)
        assert len(set(routes)) == len(routes) == len(nodes) - 1
        assert node.address not in {route.network_address for route in routes}


@given(node_sets(), st.randoms())
def test_the_order_of_the_nodes_does_not_matter(nodes: list[Node], random: object) -> None:
    assert mesh_of(*nodes) == mesh_of(*reversed(nodes))


def test_a_region_that_does_not_exist_yet_has_no_endpoint() -> None:
    hub, ldn = Node("hub", IPv4Address("10.77.0.1"), "198.18.0.1:51820"), Node("ldn", IPv4Address("10.77.3.1"))
    assert mesh_of(hub, ldn).peers("hub")[0].endpoint is None
    assert mesh_of(hub, ldn).peers("ldn")[0].endpoint == "198.18.0.1:51820"


def test_a_node_behind_nat_is_called_by_nobody() -> None:
    hub = Node("hub", IPv4Address("10.77.0.1"), "198.18.0.1:51820", behind_nat=True)
    nj = Node("nj", IPv4Address("10.77.1.1"), "198.18.0.2:51820")
    assert mesh_of(hub, nj).peers("nj")[0].endpoint is None


GOOD = Node("hub", IPv4Address("10.77.0.1"), "198.18.0.1:51820")


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node("hub", IPv4Address("10.77.9.9")), "name hub is used by 2 nodes: hub, hub"),
        (Node("Nj", IPv4Address("10.77.1.1")), "'Nj': not a name of a node"),
        (Node("n j\n[Peer]", IPv4Address("10.77.1.1")), "not a name of a node"),
        (Node("nj-", IPv4Address("10.77.1.1")), "not a name of a node"),
        (Node("nj", IPv4Address("10.77.0.1")), "address 10.77.0.1 is used by 2 nodes: hub, nj"),
        (Node("nj", IPv4Address("10.78.1.1")), "nj: address 10.78.1.1 is outside the mesh network 10.77.0.0/16"),
        (Node("nj", IPv4Address("10.77.0.0")), "nj: address 10.77.0.0 is the first or last of 10.77.0.0/16"),
        (Node("nj", IPv4Interface("10.77.1.1/24")), "nj: address 10.77.1.1/24 is not a single IPv4 address"),
        (Node("nj", IPv4Address("10.77.1.1"), "198.18.0.2"), "endpoint '198.18.0.2' is not 'IPv4 address:port'"),
        (Node("nj", IPv4Address("10.77.1.1"), "198.18.0.2:0"), "is not 'IPv4 address:port'"),
        (Node("nj", IPv4Address("10.77.1.1"), "198.18.0.2:65536"), "is not 'IPv4 address:port'"),
        (Node("nj", IPv4Address("10.77.1.1"), "nj.example.net:51820"), "is not 'IPv4 address:port'"),
        (Node("nj", IPv4Address("10.77.1.1"), "[2001:db8::1]:51820"), "is not 'IPv4 address:port'"),
        (Node("nj", IPv4Address("10.77.1.1"), "10.77.1.1:51820"), "lies inside the mesh network"),
        (Node("nj", IPv4Address("10.77.1.1"), "198.18.0.1:51820"), "endpoint 198.18.0.1:51820 is used by 2 nodes"),
    ],
)
def test_what_a_mesh_cannot_hold(node: Node, message: str) -> None:
    with pytest.raises(MeshError) as error:
        mesh_of(GOOD, node)
    assert message in str(error.value)


def test_two_nodes_behind_nat_cannot_find_each_other() -> None:
    nodes = [Node(name, IPv4Address(f"10.77.{index}.1"), behind_nat=True) for index, name in enumerate(("a", "b"))]
    with pytest.raises(MeshError, match="a, b: all behind NAT"):
        mesh_of(*nodes)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"port": 0}, "port 0"), ({"mtu": 9000}, "mtu 9000 is not in 1280..1420"), ({"keepalive": 0}, "keepalive 0")],
)
def test_numbers_out_of_range(values: dict[str, int], message: str) -> None:
    with pytest.raises(MeshError, match=message):
        plan([GOOD], cidr=CIDR, **values)  # type: ignore[arg-type]


def test_all_problems_are_reported_together() -> None:
    wrong = [
        Node("a", IPv4Address("10.77.0.1"), "nowhere", behind_nat=True),
        Node("b", IPv4Address("10.77.0.1"), behind_nat=True),
        Node("C", IPv4Address("192.0.2.1")),
    ]
    with pytest.raises(MeshError) as error:
        plan(wrong, cidr=CIDR, mtu=1)
    assert len(error.value.problems) == 6


def test_an_unknown_node_is_named() -> None:
    with pytest.raises(MeshError, match="no node 'nj' in the mesh; there are hub"):
        mesh_of(GOOD).peers("nj")


@pytest.mark.parametrize(
    ("path", "tunnel"),
    [(1500, 1420), (1460, 1380), (9001, 1420), (1492, 1412), (1360, 1280), (1280, 1280), (576, 1280)],
)
def test_mtu_of_a_tunnel_over_a_path(path: int, tunnel: int) -> None:
    assert mtu_for_path(path) == tunnel


@given(st.lists(st.integers(0, 10000), min_size=1))
def test_mtu_of_a_mesh_is_that_of_its_narrowest_path(paths: list[int]) -> None:
    assert mtu_for_paths(paths) == min(mtu_for_path(path) for path in paths)
    assert mtu_for_paths([]) == 1420
