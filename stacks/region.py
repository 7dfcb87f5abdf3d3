"""Stack of one region (the hub included): for each of its hosts a server, its base, its mesh node, its bundles."""

import pulumi

from fleet.configuration import Configuration
from fleet.secrets import Vault
from infra.address_book import AddressBook
from infra.bundle import declare_bundles
from infra.host import declare_base
from infra.mesh import declare_mesh_node
from infra.outputs import GENERATIONS, describe, read_generations
from infra.parts_provider import PartsProvider
from infra.servers import declare
from infra.servers.request import server_request
from infra.stock import refuse_rebuild_without_stock


async def region(
    configuration: Configuration, vault: Vault, name: str, addresses: AddressBook, provider: PartsProvider
) -> None:
    """Declare everything in one region and export what people and tools ask for."""
    hosts = configuration.hosts_of(name)
    generations = await read_generations(pulumi.get_project(), name, hosts)
    await refuse_rebuild_without_stock(configuration, hosts, generations)

    for ref in hosts:
        server = declare(server_request(configuration, ref, addresses, vault, generations.get(ref.id)))
        base = declare_base(configuration, ref, server, vault, provider)
        node = declare_mesh_node(configuration, ref, server, addresses, vault, provider, after=base)
        bundles = declare_bundles(configuration, ref, server, vault, provider, after=node)
        pulumi.export(ref.id, describe(configuration, ref, server, vault, node))
        pulumi.export(f"{ref.id}-bundles", bundles)
    pulumi.export(GENERATIONS, {ref.id: ref.host.generation for ref in hosts})
