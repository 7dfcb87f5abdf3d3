"""Stack of one region (the hub included): for each of its hosts a server, its base, its mesh node, its bundles."""

import asyncio
from dataclasses import dataclass

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.secrets import Vault
from infra.adapter import HostPart
from infra.address_book import AddressBook
from infra.bundle import bundle_parts, declare_bundles
from infra.host import base_part, declare_base
from infra.mesh import declare_mesh_node, mesh_part
from infra.outputs import GENERATIONS, describe, read_generations
from infra.parts_provider import PartsProvider
from infra.release_adapter import BundlePart
from infra.servers import declare
from infra.servers.request import server_request
from infra.stock import refuse_rebuild_without_stock


@dataclass(frozen=True)
class HostParts:
    """All that shall be on a host."""

    base: HostPart
    mesh: HostPart
    bundles: tuple[BundlePart, ...]


async def region(
    configuration: Configuration, vault: Vault, name: str, addresses: AddressBook, provider: PartsProvider
) -> None:
    """Declare everything in one region and export what people and tools ask for.

    Nothing is declared before all of it is rendered: what cannot be rendered shall cost no server.
    """
    hosts = configuration.hosts_of(name)
    generations = await read_generations(name, hosts)
    await refuse_rebuild_without_stock(configuration, hosts, generations)

    # Their providers start, and look the images up, while the files are rendered.
    requests = [server_request(configuration, ref, addresses, vault, generations.get(ref.id)) for ref in hosts]
    rendered = await asyncio.to_thread(_render, configuration, hosts, addresses, vault)

    for ref, request, parts in zip(hosts, requests, rendered, strict=True):
        server = declare(request)
        base = declare_base(parts.base, server, provider)
        node = declare_mesh_node(parts.mesh, server, provider, after=base)
        bundles = declare_bundles(parts.bundles, server, provider, after=node)
        pulumi.export(ref.id, describe(configuration, ref, server, vault, node))
        pulumi.export(f"{ref.id}-bundles", bundles)
    pulumi.export(GENERATIONS, {ref.id: ref.host.generation for ref in hosts})


def _render(
    configuration: Configuration, hosts: tuple[HostRef, ...], addresses: AddressBook, vault: Vault
) -> list[HostParts]:
    return [
        HostParts(
            base_part(configuration, ref, vault),
            mesh_part(configuration, ref, addresses, vault),
            bundle_parts(configuration, ref, vault),
        )
        for ref in hosts
    ]
