"""A host's node in the WireGuard mesh: its interface, its peers, and the unit that brings them back after a boot.

Peers are all hosts of ``fleet.yaml`` from day one. One whose address does not exist yet has no endpoint and is learnt
when it calls, so opening a region touches no other host; its endpoint arrives with each one's next ``up``.
"""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ExistingHost
from fleet.secrets import Vault
from hosts import Absent, File, Handler, HostState, WireguardInterface
from infra.adapter import HostPart, HostPartResource, part_of
from infra.address_book import AddressBook
from infra.host import host_target
from infra.parts_provider import PartsProvider
from infra.servers.server import Server
from templates.render import render
from wireguard.keys import ReferencedKeys
from wireguard.plan import MeshPlan, Node, plan
from wireguard.render import render_node, render_routes

INTERFACES = ("wg0", "wg1")
"""The two interfaces of a mesh: one carries it, the other one exists during a rotation of keys."""


class MeshNode(HostPartResource, module="infra", name="MeshNode"):
    """The mesh node of one host, as a resource."""


def mesh_part(configuration: Configuration, ref: HostRef, addresses: AddressBook, vault: Vault) -> HostPart:
    """The mesh node of one host as it shall be."""
    return HostPart(
        target=host_target(configuration.fleet, ref, vault),
        state=mesh_state(configuration, ref, mesh_plan(configuration, addresses), vault),
        guest=isinstance(ref.host, ExistingHost),
    )


def declare_mesh_node(part: HostPart, server: Server, provider: PartsProvider, after: pulumi.Resource) -> MeshNode:
    """Declare the mesh node of one host, brought up after ``after`` (its base)."""
    return MeshNode(part.host, part, server, part_of(server.resource, provider, after))


def mesh_plan(configuration: Configuration, addresses: AddressBook) -> MeshPlan:
    """The mesh of every host of the fleet, opened or not."""
    settings = configuration.fleet.mesh
    port = settings.epoch.port(settings.port)
    nodes = [
        Node(
            name=ref.id,
            address=ref.mesh_address,
            endpoint=f"{address}:{port}" if (address := addresses.address(ref.id)) else None,
            behind_nat=ref.host.behind_nat,
            epoch=settings.epoch.of(ref.id),
        )
        for ref in configuration.hosts()
    ]
    return plan(
        nodes,
        cidr=settings.cidr,
        port=port,
        mtu=settings.mtu,
        keepalive=settings.keepalive,
        psk_epoch=str(settings.epoch.psk),
    )


def mesh_state(configuration: Configuration, ref: HostRef, mesh: MeshPlan, vault: Vault) -> HostState:
    """One host's interface as it shall be, and the other interface gone."""
    interface = configuration.fleet.mesh.epoch.interface()
    idle = next(name for name in INTERFACES if name != interface)
    gone, leftover = retired_interface(idle)
    return HostState(
        name="mesh",
        files=(
            File("/usr/local/lib/fleet/wg-run", render("mesh/wg-run.j2"), mode=0o755),
            File("/usr/local/lib/fleet/wg-up", render("mesh/wg-up.j2"), mode=0o755),
            File(
                "/etc/systemd/system/fleet-wg@.service",
                render("mesh/fleet-wg@.service.j2"),
                notifies=("daemon-reload",),
            ),
            *interface_files(interface, mesh, ref.id, vault),
        ),
        absent=(leftover,),
        handlers=(Handler("daemon-reload", ("systemctl", "daemon-reload"), order=10),),
        wireguard=(wireguard_interface(interface, mesh, ref.id), gone),
    )


def interface_files(interface: str, mesh: MeshPlan, node: str, vault: Vault) -> tuple[File, ...]:
    """What an interface is brought up from after a boot; the keys in it are references."""
    return (
        File(config_path(interface), render_node(mesh, node, ReferencedKeys(vault)), mode=0o600, sensitive=True),
        File(routes_path(interface), render_routes(mesh, node)),
    )


def retired_interface(interface: str) -> tuple[WireguardInterface, Absent]:
    """An interface that is no longer in use: it goes with its keys, and so does the file of its routes."""
    gone = WireguardInterface(interface, config_path=config_path(interface), present=False)
    return gone, Absent(routes_path(interface))


def wireguard_interface(interface: str, mesh: MeshPlan, node: str) -> WireguardInterface:
    """The interface's runtime: address, MTU and a route to every peer."""
    return WireguardInterface(
        interface,
        config_path=config_path(interface),
        address=f"{mesh.node(node).address}/32",
        mtu=mesh.mtu,
        routes=mesh.routes(node),
    )


def config_path(interface: str) -> str:
    """Where an interface's keys and peers are persisted, mode 0600."""
    return f"/etc/wireguard/{interface}.conf"


def routes_path(interface: str) -> str:
    """Where an interface's routes are persisted, a prefix a line."""
    return f"/etc/fleet/mesh/{interface}.routes"
