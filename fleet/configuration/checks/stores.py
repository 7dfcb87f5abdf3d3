"""The stores of the whole fleet: who is a member of the Redis cluster, and where credentials come from."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.draft import BUNDLES_KEY, Draft, FleetDraft
from fleet.model.bundles import HUB, QUESTDB, REDIS
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at


def check_stores(draft: Draft) -> Iterator[Problem]:
    """Members are regions with Redis, the hub has the primary, and a command for credentials names what it is asked."""
    if draft.fleet is None:
        return
    yield from _edition(draft.fleet)
    yield from _members(draft, draft.fleet)
    yield from _hub(draft, draft.fleet)
    yield from _command(draft.fleet)


def _edition(fleet: FleetDraft) -> Iterator[Problem]:
    if fleet.fleet is None:
        return
    questdb, hub = fleet.fleet.questdb, fleet.fleet.hub
    path = ("questdb", "enterprise")
    if questdb.edition == "enterprise" and questdb.enterprise is None:
        yield at(fleet.document, path, None, "is missing", "a mapping of primary, object_store and start")
    if questdb.edition == "oss" and questdb.enterprise is not None:
        message = "is not used while questdb.edition is oss"
        yield at(fleet.document, path, "a mapping", message, "edition: enterprise, or no such settings")
    if questdb.enterprise is not None and questdb.enterprise.primary != hub:
        message = f"is not the hub, {hub}: two primaries on one object store break replication"
        allowed = f"{hub}, after the database of the old primary was stopped"
        yield at(fleet.document, (*path, "primary"), questdb.enterprise.primary, message, allowed)


def _members(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    whole = fleet.fleet
    if whole is None:
        return
    redis = whole.redis
    for key, regions in (("members", redis.members), ("leaving", redis.leaving)):
        for number, name in enumerate(regions):
            path = ("redis", key, number)
            stack = draft.stacks.get(name)
            if name not in fleet.names:
                known = ", ".join(fleet.names)
                yield at(fleet.document, path, name, "is not a region", known, nearest(name, fleet.names))
            elif name in regions[:number]:
                yield at(fleet.document, path, name, "stands twice", "each region once")
            elif key == "leaving" and name in redis.members:
                yield at(fleet.document, path, name, "is a member and leaving", "in one of the two lists")
            elif stack is not None and REDIS not in stack.bundles:
                message = f"does not run the bundle {REDIS}"
                yield at(fleet.document, path, name, message, f"a region with {REDIS} in its {BUNDLES_KEY}")


def _hub(draft: Draft, fleet: FleetDraft) -> Iterator[Problem]:
    hub = fleet.document.values.get("hub")
    for stack in draft.stacks.values():
        if stack.name == hub and QUESTDB not in stack.bundles:
            message = f"of the hub lacks {QUESTDB}, the primary that every region writes to"
            yield at(stack.document, ("config", BUNDLES_KEY), None, message, f"{QUESTDB} among them")
        if stack.name != hub and fleet.names and HUB in stack.bundles:
            number = list(stack.document.values["config"][BUNDLES_KEY]).index(HUB)
            path = ("config", BUNDLES_KEY, number)
            yield at(stack.document, path, HUB, f"runs in the hub alone, which is {hub}", "the other bundles")


def _command(fleet: FleetDraft) -> Iterator[Problem]:
    if fleet.fleet is None:
        return
    source = fleet.fleet.credentials
    path = ("credentials", "command")
    says_name = any("{name}" in word for word in source.command)
    if source.source == "command" and not says_name:
        allowed = "a list such as [pass, show, 'fleet/{name}']"
        message = "does not say {name}, the secret that is asked for" if source.command else "is missing"
        yield at(fleet.document, path, list(source.command) or None, message, allowed)
    if source.source != "command" and source.command:
        message = f"is not used while credentials.source is {source.source}"
        yield at(fleet.document, path, list(source.command), message, "no command, or source: command")
