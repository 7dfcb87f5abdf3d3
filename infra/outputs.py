"""What a region's stack exports, for people, for ``fleet status`` and for its own next run."""

from __future__ import annotations

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ExistingHost
from fleet.secrets import Vault
from infra.host import pinned_host_key
from infra.servers.server import Server
from infra.stack_outputs import read_outputs

GENERATIONS = "generations"


async def read_generations(stack: str, hosts: tuple[HostRef, ...]) -> dict[str, int]:
    """The generation of each host as of this stack's last successful run; empty where none was ever raised.

    A stack reads its own outputs here: whether a server may be replaced (``protect``) is decided before the program
    declares it, and only a run in which the generation was raised may. A host of generation 1 cannot have been raised.

    Raises:
        pulumi.RunError: the state cannot be read.
    """
    if all(ref.host.generation == 1 for ref in hosts):
        return {}
    exported = (await read_outputs(stack)).get(GENERATIONS, {})
    return {host: int(generation) for host, generation in exported.items()}


def describe(
    configuration: Configuration, ref: HostRef, server: Server, vault: Vault, node: pulumi.Resource
) -> pulumi.Output[dict[str, object]]:
    """One host as an output: its addresses, keys, plan, price; known once its mesh node is up."""
    host = ref.host
    user = host.ssh_user if isinstance(host, ExistingHost) else configuration.fleet.deploy_user
    price = configuration.monthly_usd(ref)
    return pulumi.Output.all(address=server.address, egress=server.egress, node=node.urn).apply(
        lambda known: {
            "region": ref.region,
            "provider": host.provider,
            "plan": host.plan,
            "address": known["address"],
            "allow_list": known["egress"],
            "mesh_address": str(ref.mesh_address),
            "mesh_key": vault.x25519_public("mesh", "private", ref.id, configuration.fleet.mesh.epoch.of(ref.id)),
            "host_key": pinned_host_key(host, ref.id, vault),
            "user": user,
            "generation": host.generation,
            "monthly_usd": "unpriced" if price is None else f"{price:.2f}",
            "monthly_usd_from": configuration.price_origin(ref),
        }
    )
