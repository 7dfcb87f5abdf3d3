"""Configuration texts of the mesh, in the notation of ``wg`` and ``wg-quick``.

``Table = off``: routes are not taken from AllowedIPs. During a rotation two interfaces allow the same addresses, and
which of them carries a peer is decided by its route alone.
"""

from __future__ import annotations

from wireguard.keys import MeshKeys
from wireguard.plan import MeshPlan, Node, endpoint_of


def render_all(mesh: MeshPlan, keys: MeshKeys) -> dict[str, str]:
    """The configuration of every node, by name.

    Each public key is computed once, and each pre-shared key once per pair: with N nodes these are N and N*(N-1)/2
    derivations for N*(N-1) peer sections.
    """
    sections = [_peer_section(mesh, node, keys) for node in mesh.nodes]
    texts = [[_interface(mesh, node, keys)] for node in mesh.nodes]
    for first, node in enumerate(mesh.nodes):
        for second in range(first + 1, len(mesh.nodes)):
            shared = keys.preshared(node.name, mesh.nodes[second].name, mesh.psk_epoch)
            # Rows are filled in order of the first name, so that each node's peers come out sorted.
            texts[first] += (sections[second][0], shared, sections[second][1])
            texts[second] += (sections[first][0], shared, sections[first][1])
    return {node.name: "".join(text) for node, text in zip(mesh.nodes, texts, strict=True)}


def render_node(mesh: MeshPlan, name: str, keys: MeshKeys) -> str:
    """The configuration of one node: the same text that ``render_all`` gives for it.

    Raises:
        MeshError: there is no node of that name.
    """
    own = mesh.node(name)
    text = [_interface(mesh, own, keys)]
    for other in mesh.nodes:
        if other is not own:
            head, tail = _peer_section(mesh, other, keys)
            text += (head, keys.preshared(own.name, other.name, mesh.psk_epoch), tail)
    return "".join(text)


def render_routes(mesh: MeshPlan, name: str) -> str:
    """The routes of one node, one /32 a line: what the interface that carries its traffic routes.

    Raises:
        MeshError: there is no node of that name.
    """
    return "".join(f"{route}\n" for route in mesh.routes(name))


def _interface(mesh: MeshPlan, node: Node, keys: MeshKeys) -> str:
    return (
        f"# {node.name}: keys of epoch {node.epoch}, pre-shared keys of epoch {mesh.psk_epoch}\n"
        "[Interface]\n"
        f"Address = {node.address}/32\n"
        f"ListenPort = {mesh.port}\n"
        f"PrivateKey = {keys.private(node)}\n"
        f"MTU = {mesh.mtu}\n"
        "Table = off\n"
    )


def _peer_section(mesh: MeshPlan, node: Node, keys: MeshKeys) -> tuple[str, str]:
    """How every other node writes this one down: the text before and after the pair's own key."""
    endpoint = endpoint_of(node)
    head = f"\n# {node.name}\n[Peer]\nPublicKey = {keys.public(node)}\nPresharedKey = "
    tail = f"\nAllowedIPs = {node.address}/32\n"
    if endpoint is not None:
        tail += f"Endpoint = {endpoint}\n"
    return head, f"{tail}PersistentKeepalive = {mesh.keepalive}\n"
