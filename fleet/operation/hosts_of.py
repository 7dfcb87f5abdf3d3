"""The running hosts of a fleet, as its stacks export them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fleet.configuration import Configuration, HostRef
from fleet.operation.run import outputs
from fleet.secrets import Vault
from fleet.workspace import Workspace
from hosts import Target
from infra.host import host_target


@dataclass(frozen=True)
class RunningHost:
    """A host that its stack exported at its last successful run."""

    ref: HostRef
    address: str
    """Where ssh and the mesh reach it."""
    allow_list: str
    """The address that a venue sees: the one to allow-list at brokers."""
    plan: str
    provider: str
    monthly_usd: str
    target: Target

    def facts(self) -> dict[str, str]:
        """What people and programs ask for first."""
        return {
            "host": self.ref.id,
            "region": self.ref.region,
            "provider": self.provider,
            "plan": self.plan,
            "address": self.address,
            "allow_list": self.allow_list,
            "mesh_address": str(self.ref.mesh_address),
            "monthly_usd": self.monthly_usd,
        }


def running_hosts(configuration: Configuration, workspace: Workspace, vault: Vault) -> tuple[RunningHost, ...]:
    """Every host that stands, in the configuration's order. Stacks never brought up export nothing."""
    regions = configuration.addresses.regions
    with ThreadPoolExecutor(max_workers=max(1, len(regions))) as pool:
        exported = dict(zip(regions, pool.map(lambda region: outputs(workspace, region), regions), strict=True))
    return tuple(
        _running(configuration, ref, entry, vault)
        for ref in configuration.hosts()
        if (entry := (exported.get(ref.region) or {}).get(ref.id)) is not None
    )


def _running(configuration: Configuration, ref: HostRef, entry: Mapping[str, Any], vault: Vault) -> RunningHost:
    return RunningHost(
        ref=ref,
        address=entry["address"],
        allow_list=entry["allow_list"],
        plan=entry["plan"],
        provider=entry["provider"],
        monthly_usd=entry["monthly_usd"],
        target=host_target(configuration.fleet, ref, vault, address=entry["address"]),
    )
