"""What a region's stack exports, for people, for ``fleet status`` and for its own next run."""

from __future__ import annotations

import asyncio

import pulumi

from fleet.configuration import Configuration, HostRef
from fleet.model.stack import ExistingHost
from fleet.secrets import Vault
from infra.host import pinned_host_key
from infra.servers.server import Server

GENERATIONS = "generations"


READ_ATTEMPTS = 100
READ_WAIT_SECONDS = 0.05


async def read_generations(project: str, stack: str, hosts: tuple[HostRef, ...]) -> dict[str, int]:
    """The generation of each host as of this stack's last successful run; empty where none was ever raised.

    A stack reads its own outputs here: whether a server may be replaced (``protect``) is decided before the program
    declares it, and only a run in which the generation was raised may. A host of generation 1 cannot have been raised.

    Raises:
        pulumi.RunError: the state cannot be read.
    """
    if all(ref.host.generation == 1 for ref in hosts):
        return {}
    name = f"{pulumi.get_organization()}/{project}/{stack}"
    for _ in range(READ_ATTEMPTS):
        try:
            answer = await pulumi.runtime.invoke_async("pulumi:pulumi:readStackOutputs", {"name": name})
        except Exception as unreadable:  # noqa: BLE001 - the SDK raises nothing more exact
            # The engine is writing this very state right now, and a file is empty for a moment (measured).
            if "checkpoint" not in str(unreadable):
                raise pulumi.RunError(f"the outputs of stack {stack} cannot be read: {unreadable}") from None
            await asyncio.sleep(READ_WAIT_SECONDS)
            continue
        exported = answer["outputs"].get(GENERATIONS, {})
        return {host: int(generation) for host, generation in exported.items()}
    raise pulumi.RunError(f"the outputs of stack {stack} cannot be read: its state is being written all the time")


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
