"""Stack of one region (the hub included): for each of its hosts a server, its base, its node in the mesh."""

import asyncio

import pulumi

from fleet.configuration import Configuration
from infra.addresses import read_addresses
from infra.host import declare_base
from infra.mesh import declare_mesh_node
from infra.outputs import GENERATIONS, describe, read_generations
from infra.servers import declare
from infra.servers.request import server_request
from infra.vault import open_vault


async def region(configuration: Configuration, name: str) -> None:
    """Declare everything in one region and export what people and tools ask for."""
    project = pulumi.get_project()
    vault = open_vault()
    hosts = configuration.hosts_of(name)
    addresses, generations = await asyncio.gather(read_addresses(project), read_generations(project, name, hosts))

    for ref in hosts:
        server = declare(server_request(configuration, ref, addresses, vault, generations.get(ref.id)))
        base = declare_base(configuration, ref, server, vault)
        node = declare_mesh_node(configuration, ref, server, addresses, vault, after=base)
        pulumi.export(ref.id, describe(configuration, ref, server, vault, node))
    pulumi.export(GENERATIONS, {ref.id: ref.host.generation for ref in hosts})
