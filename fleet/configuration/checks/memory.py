"""Memory: the containers of each main host fit into it, all at their limits at once."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.catalogue import Catalogue
from fleet.configuration.draft import Draft, StackDraft, host_path
from fleet.model.bundles import QUESTDB
from fleet.model.memory import GUEST_MEMORY_MB, HOST_RESERVE_MB, Load, services_of, total_mb
from fleet.model.problems import Problem
from fleet.model.stack import MAIN, ExistingHost, Host, service_of
from fleet.model.validation import at

MB_PER_GB = 1000


def check_memory(draft: Draft) -> Iterator[Problem]:
    """All limits and the host's own share fit. An existing host that does not say its memory is let be."""
    for stack in draft.stacks.values():
        host = stack.hosts.get(MAIN)
        memory_mb = _memory_mb(host, draft.catalogue) if host else None
        if host is None or memory_mb is None:
            continue
        needed = total_mb(memory_mb, _load(draft, stack)) + HOST_RESERVE_MB
        if needed > memory_mb:
            key = "memory_gb" if isinstance(host, ExistingHost) else "plan"
            value = host.memory_gb if isinstance(host, ExistingHost) else host.plan
            message = (
                f"has {memory_mb} MB, and its bundles ({', '.join(stack.bundles)}) may take {needed} MB with the "
                f"{HOST_RESERVE_MB} MB that the host itself needs"
            )
            yield at(stack.document, host_path(host, key), value, message, _larger(host, needed, draft.catalogue))


def _memory_mb(host: Host, catalogue: Catalogue) -> int | None:
    if isinstance(host, ExistingHost):
        return host.memory_gb * MB_PER_GB if host.memory_gb else None
    plan = catalogue.plan(service_of(host), host.plan)
    return int(plan.memory_gb * MB_PER_GB) if plan else None


def _load(draft: Draft, stack: StackDraft) -> Load:
    venues = draft.venues.by_name
    sidecars = [
        written
        for written in stack.venues
        if (venue := venues.get(written.use.venue)) and venue.status == "active" and venue.sidecar
    ]
    fleet = draft.fleet.fleet if draft.fleet else None
    is_hub = fleet is not None and fleet.hub == stack.name
    shipped = is_hub and fleet is not None and fleet.questdb.edition == "oss"
    return Load(
        bundles=stack.bundles,
        services=services_of(stack.bundles, len(sidecars)),
        redis_instances=_redis_instances(draft, stack),
        smallest_member_mb=_smallest_member_mb(draft),
        shippers=sum(QUESTDB in other.bundles for other in draft.stacks.values()) - 1 if shipped else 0,
    )


def _redis_instances(draft: Draft, stack: StackDraft) -> int:
    fleet = draft.fleet.fleet if draft.fleet else None
    if fleet is None or stack.name not in (*fleet.redis.members, *fleet.redis.leaving) or len(fleet.redis.members) < 3:
        return 0
    return 2 if fleet.redis.profile == "ha" else 1


def _smallest_member_mb(draft: Draft) -> int:
    fleet = draft.fleet.fleet if draft.fleet else None
    names = (*fleet.redis.members, *fleet.redis.leaving) if fleet else ()
    mains = (draft.stacks[name].hosts.get(MAIN) for name in names if name in draft.stacks)
    known = (_memory_mb(host, draft.catalogue) or GUEST_MEMORY_MB for host in mains if host)
    return min(known, default=GUEST_MEMORY_MB)


def _larger(host: Host, needed_mb: int, catalogue: Catalogue) -> str:
    if isinstance(host, ExistingHost):
        return f"{needed_mb} MB, or fewer bundles"
    fitting = [
        plan.name
        for plan in catalogue.offered(service_of(host), host.location)
        if plan.memory_gb * MB_PER_GB >= needed_mb
    ]
    return f"a larger plan ({', '.join(fitting[:4])}), or fewer bundles" if fitting else "fewer bundles"
