"""The plan of the cluster: its members' instances, which of them holds which slots, and who replicates whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address

from fleet.model.ports import REDIS_CLUSTER
from rediscluster.slots import SlotRange, ranges_of, share_out, tag_slot

FEWEST_MEMBERS = 3
"""Below it no majority is left when one host stops, so there is no cluster."""

DEFAULT_NODE_TIMEOUT_MS = 15_000
"""Redis' own default: ten times and more of the fleet's worst round-trip time, as the cluster specification asks."""


class ClusterPlanError(Exception):
    """The cluster cannot be as configured; the text says what is wrong and what is allowed."""


class Profile(StrEnum):
    """How much a cluster holds out."""

    HA = "ha"
    """Two instances a host: one with the region's slots, one that replicates another region's."""
    SPEC = "spec"
    """One instance a host, nothing replicated."""


LIMITS = {
    Profile.HA: (
        "Replication is asynchronous: what a master acknowledged in the moments before it stops may be lost.",
        "While two regions' masters are on one host (after a failover), the loss of that host stops all writes until "
        "it is back: 'fleet redis rejoin HOST' gives a returned host its slots again.",
    ),
    Profile.SPEC: (
        "No replicas: while a host is away its slots answer nothing, and there is no failover.",
        "A host whose data is lost has lost its slots' keys for good.",
        "With two of three hosts away the last one answers reads only.",
    ),
}
"""What each profile does not do: printed by ``fleet redis status``."""


@dataclass(frozen=True)
class Member:
    """A host that takes part."""

    region: str
    """Its hash tag: keys with ``{region}`` in them lie here."""
    host_id: str
    mesh_address: IPv4Address


@dataclass(frozen=True)
class ClusterSettings:
    """The cluster as configured."""

    profile: Profile
    members: tuple[Member, ...]
    """In the order of the regions; fewer than three make no cluster."""
    leaving: tuple[Member, ...] = ()
    """Former members: their instances run on until ``fleet redis reshape`` has taken their slots away."""
    node_timeout_ms: int = DEFAULT_NODE_TIMEOUT_MS
    """After so long without an answer a master counts as failed."""
    ports: tuple[int, int] = REDIS_CLUSTER
    """Of a host's first and second instance."""


@dataclass(frozen=True)
class Instance:
    """A Redis process of the cluster."""

    host_id: str
    address: str
    port: int

    @property
    def endpoint(self) -> str:
        """``address:port``."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Shard:
    """A region's part of the slots."""

    region: str
    tag_slot: int
    """Who has this slot has the shard, also after the shares were changed."""
    home: Instance
    """Where the slots belong: with the region."""
    spare: Instance | None
    """The replica of it, on the next member's host; None in the profile ``spec``."""
    ranges: tuple[SlotRange, ...]
    """The slots that it gets when the cluster is formed."""


@dataclass(frozen=True)
class ClusterPlan:
    """The whole cluster; without shards there is none."""

    profile: Profile
    shards: tuple[Shard, ...]
    leaving: tuple[Instance, ...]
    node_timeout_ms: int

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance that belongs, without those that leave."""
        homes = [shard.home for shard in self.shards]
        return (*homes, *(shard.spare for shard in self.shards if shard.spare is not None))

    def instances_on(self, host_id: str) -> tuple[Instance, ...]:
        """The instances that run on a host, those that leave included, by port."""
        here = [one for one in (*self.instances, *self.leaving) if one.host_id == host_id]
        return tuple(sorted(here, key=lambda one: one.port))


@lru_cache(maxsize=8)
def plan(settings: ClusterSettings) -> ClusterPlan:
    """The cluster of these settings; one without shards where there are fewer than three members.

    Kept, as every bundle of a host asks for it.

    Raises:
        ClusterPlanError: a region, host or address occurs twice, two regions' tags share a slot, the node timeout is
            below one second, or hosts leave a cluster that too few remain of.
    """
    _check(settings)
    members, (first, second) = settings.members, settings.ports
    replicated = settings.profile is Profile.HA
    leaving = [Instance(one.host_id, str(one.mesh_address), first) for one in settings.leaving]
    if replicated:
        leaving += [Instance(one.host_id, str(one.mesh_address), second) for one in settings.leaving]
    if len(members) < FEWEST_MEMBERS:
        return ClusterPlan(settings.profile, (), (), settings.node_timeout_ms)
    tags = {member.region: tag_slot(member.region) for member in members}
    owners = share_out(list(tags), tags)
    shards = []
    for number, member in enumerate(members):
        neighbour = members[(number + 1) % len(members)]
        shards.append(
            Shard(
                region=member.region,
                tag_slot=tags[member.region],
                home=Instance(member.host_id, str(member.mesh_address), first),
                spare=Instance(neighbour.host_id, str(neighbour.mesh_address), second) if replicated else None,
                ranges=ranges_of(slot for slot, region in owners.items() if region == member.region),
            )
        )
    return ClusterPlan(settings.profile, tuple(shards), tuple(leaving), settings.node_timeout_ms)


def _check(settings: ClusterSettings) -> None:
    everybody = (*settings.members, *settings.leaving)
    problems = [
        *_twice("region", [one.region for one in everybody]),
        *_twice("host", [one.host_id for one in everybody]),
        *_twice("address", [str(one.mesh_address) for one in everybody]),
    ]
    by_slot: dict[int, list[str]] = {}
    for region in dict.fromkeys(one.region for one in settings.members):
        by_slot.setdefault(tag_slot(region), []).append(region)
    problems += [
        f"the tags of {' and '.join(regions)} share slot {slot}, so both cannot be local; rename one of the regions"
        for slot, regions in by_slot.items()
        if len(regions) > 1
    ]
    if settings.node_timeout_ms < 1000:
        problems.append(f"node timeout {settings.node_timeout_ms} ms: at least 1000 ms, and ten round trips")
    if settings.leaving and len(settings.members) < FEWEST_MEMBERS:
        problems.append(f"hosts leave, but {len(settings.members)} members are no cluster that could take their slots")
    if problems:
        raise ClusterPlanError("redis: " + "; ".join(problems))


def _twice(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what} {name} occurs more than once" for name in dict.fromkeys(names) if names.count(name) > 1]
