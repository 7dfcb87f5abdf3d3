"""Venues: each is known and in use, and no account is traded from two places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet.catalogue.venues import Venue
from fleet.configuration.draft import BUNDLES_KEY, Draft, StackDraft, WrittenUse
from fleet.model.bundles import DATA, HUB, TRADING
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at


def check_venues(draft: Draft) -> Iterator[Problem]:
    """Every venue exists and may be used, one region trades an account, and a region's venues do not collide."""
    venues = draft.venues.by_name
    for stack in draft.stacks.values():
        for written in stack.venues:
            yield from _exists(stack, written, venues)
            yield from _has_its_broker(stack, written, venues)
        yield from _bundles(stack, venues)
        yield from _collisions(stack, venues)
    yield from _one_trader(draft, venues)
    yield from _sessions(draft, venues)


def _exists(stack: StackDraft, written: WrittenUse, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    venue = venues.get(written.use.venue)
    usable = [name for name, one in venues.items() if one.status != "disabled"]
    if venue is None:
        name = written.use.venue
        near = nearest(name, usable)
        yield at(stack.document, written.path, name, "is not a venue of the catalogue", ", ".join(usable), near)
    elif venue.status == "disabled":
        message = f"is a mode for {venue.name}, which is disabled in the catalogue"
        yield at(stack.document, written.path, written.use.mode, message, "no mode for it", "remove the line")


def _has_its_broker(stack: StackDraft, written: WrittenUse, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    venue = venues.get(written.use.venue)
    accounts = {(other.use.venue, other.use.account) for other in stack.venues}
    if venue is None or not venue.via or (venue.via, written.use.account) in accounts:
        return
    message = f"is read through account {written.use.account} of {venue.via}, which this region does not use"
    yield at(stack.document, written.path, venue.name, message, f"{venue.via} beside it, or not this feed")


def _bundles(stack: StackDraft, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    """A broker needs the bundle ``trading``, a source of data ``data`` or ``hub``; nobody runs two data services."""
    path = ("config", BUNDLES_KEY)
    if DATA in stack.bundles and HUB in stack.bundles:
        message = f"has {DATA} and {HUB}, and both bring a data service"
        yield at(stack.document, path, None, message, f"one of {DATA} and {HUB}")
    for written in stack.venues:
        venue = venues.get(written.use.venue)
        if venue is None or venue.status == "disabled":
            continue
        needed = (TRADING,) if venue.kind == "broker" else (DATA, HUB)
        if not set(needed) & set(stack.bundles):
            message = f"needs the bundle {' or '.join(needed)}, which this region does not run"
            runs = ", ".join(stack.bundles)
            yield at(stack.document, written.path, venue.name, message, f"{needed[0]} in {BUNDLES_KEY} (now: {runs})")


def _collisions(stack: StackDraft, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    """A region's trading service reads each environment variable once, so its brokers must not share any."""
    taken: dict[str, WrittenUse] = {}
    for written in stack.venues:
        venue = venues.get(written.use.venue)
        for variable in venue.variables if venue and venue.kind == "broker" else ():
            other = taken.setdefault(variable, written)
            if other is not written:
                title = f"{other.use.venue} ({other.use.account})"
                message = f"sets {variable} in this region, as {title} does: one service cannot have both"
                yield at(stack.document, written.path, venue.name if venue else None, message, "another region for one")
                break


def _one_trader(draft: Draft, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    traders: dict[tuple[str, str], str] = {}
    for stack in draft.stacks.values():
        for written in stack.venues:
            use = written.use
            venue = venues.get(use.venue)
            if use.mode != "active" or venue is None or venue.kind != "broker":
                continue
            first = traders.setdefault((use.venue, use.account), stack.name)
            if first != stack.name:
                message = f"is the mode of account {use.account} of {use.venue} in {first} already: one trades"
                move = f"fleet venue move {use.venue} --account {use.account} --to {stack.name}"
                hint = f"to trade from {stack.name} instead of {first}: {move}"
                yield at(stack.document, written.path, "active", message, f"standby, or standby in {first}", hint)


def _sessions(draft: Draft, venues: Mapping[str, Venue]) -> Iterator[Problem]:
    """Whoever stands by is logged in as well, so it counts."""
    users: dict[tuple[str, str], list[str]] = {}
    for stack in draft.stacks.values():
        for written in stack.venues:
            use = written.use
            limit = venues[use.venue].max_sessions if use.venue in venues else None
            if limit is None:
                continue
            seen = users.setdefault((use.venue, use.account), [])
            seen.append(stack.name)
            if len(seen) > limit:
                others = ", ".join(seen[:-1])
                allowed = f"account {use.account} in at most {limit} region{'s' if limit > 1 else ''}"
                message = f"has {limit} session{'s' if limit > 1 else ''} at once for account {use.account}: {others}"
                yield at(stack.document, written.path, use.venue, message, allowed, "or another account")
