"""The mesh of a fleet as it runs: which plan it should follow, and what its hosts report."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.configuration import Configuration
from fleet.mesh.collect import MeshView, view_mesh
from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from infra.address_book import AddressBook, ReservedAddress
from infra.first_boot import DEPLOY_PATH
from infra.mesh import mesh_plan
from wireguard.keys import ReferencedKeys
from wireguard.plan import MeshPlan


def plan_of(configuration: Configuration, hosts: Sequence[RunningHost]) -> MeshPlan:
    """The mesh as these running hosts' addresses make it."""
    book = AddressBook({host.ref.id: ReservedAddress("", host.address) for host in hosts})
    return mesh_plan(configuration, book)


def look(configuration: Configuration, hosts: Sequence[RunningHost], vault: Vault) -> MeshView:
    """Ask every running host about the mesh of the current epoch."""
    return view_mesh(
        plan_of(configuration, hosts),
        ReferencedKeys(vault),
        configuration.fleet.mesh.epoch.interface(),
        {host.ref.id: host.target for host in hosts},
        vault.ed25519_private(*DEPLOY_PATH),
    )
