"""Keys of the mesh: where they come from, and in what shape a configuration gets them.

A node's private key belongs to (node, epoch), a pre-shared key to (pair, epoch): adding a node, or giving one node a
new key, changes the secrets of no other pair.
"""

from __future__ import annotations

from typing import Protocol

from fleet.secrets import Vault
from fleet.secrets.derive import preshared, x25519_private, x25519_public
from wireguard.plan import Node


class MeshKeys(Protocol):
    """The keys of a mesh as its configuration shall show them."""

    def private(self, node: Node) -> str:
        """The node's private key."""

    def public(self, node: Node) -> str:
        """The node's public key, base64."""

    def preshared(self, first: str, second: str, epoch: str) -> str:
        """The key that two nodes share beside their own; in either order the same."""


def private_path(node: Node) -> tuple[str, ...]:
    """Where a node's private key is derived."""
    return ("mesh", "private", node.name, node.epoch)


def preshared_path(first: str, second: str, epoch: str) -> tuple[str, ...]:
    """Where a pair's pre-shared key is derived: the names in alphabetical order, so that both ends agree."""
    return ("mesh", "psk", first, second, epoch) if first < second else ("mesh", "psk", second, first, epoch)


class ReferencedKeys:
    """References to the secrets: for configurations that pass through Pulumi."""

    def __init__(self, vault: Vault) -> None:
        """Of the fleet with this vault."""
        self._vault = vault

    def private(self, node: Node) -> str:
        """A reference to the node's private key."""
        return self._vault.reference("x25519", *private_path(node))

    def public(self, node: Node) -> str:
        """The node's public key, base64."""
        return self._vault.x25519_public(*private_path(node))

    def preshared(self, first: str, second: str, epoch: str) -> str:
        """A reference to the pair's pre-shared key."""
        return self._vault.reference("preshared", *preshared_path(first, second, epoch))


class PlainKeys:
    """The secrets themselves: for configurations that go nowhere else."""

    def __init__(self, master: bytes) -> None:
        """Of the fleet with this master secret."""
        self._master = master

    def private(self, node: Node) -> str:
        """The node's private key, base64."""
        return x25519_private(self._master, *private_path(node))

    def public(self, node: Node) -> str:
        """The node's public key, base64."""
        return x25519_public(self._master, *private_path(node))

    def preshared(self, first: str, second: str, epoch: str) -> str:
        """The pair's pre-shared key, base64."""
        return preshared(self._master, *preshared_path(first, second, epoch))
