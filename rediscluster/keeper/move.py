"""Give slots and their keys from one master to another while both serve, so that no key is ever missing.

Redis' own protocol: the new owner is told that it imports, the old one that it gives away; then each key is moved by
itself (``MIGRATE`` locks both ends for it), and when none is left the slot changes hands. In between, a key that is
still here is served here, one that is not is asked for there. What a kill left half-way is simply done again.
"""

from __future__ import annotations

from collections.abc import Sequence

from .resp import Client, Refused, Reply
from .settings import Settings
from .view import look

KEYS_AT_ONCE = 64
"""Keys of one ``MIGRATE``: the source serves nobody while these travel, so they are few."""
MIGRATE_TIMEOUT_MS = 10_000
ATTEMPTS = 5
"""Of a ``MIGRATE`` whose connection broke."""


class MoveFailed(Exception):
    """A slot could not be moved; it stays open and can be moved again."""


def move(settings: Settings, source: Client, target: Client, slots: Sequence[int]) -> int:
    """Move slots; returns the number of keys that went along.

    Raises:
        MoveFailed: an instance refused a step.
        OSError: a connection broke.
    """
    giver, taker = look(source), look(target)
    for view in (giver, taker):
        if not view.answers:
            raise MoveFailed(f"{view.endpoint} does not answer: {view.error}")
    left = [slot for slot in slots if not taker.myself.owns(slot)]
    if lost := [slot for slot in left if not giver.myself.owns(slot)]:
        raise MoveFailed(f"{giver.endpoint} does not own slot {lost[0]} any more")
    _expect(target, [("CLUSTER", "SETSLOT", slot, "IMPORTING", giver.id) for slot in left])
    _expect(source, [("CLUSTER", "SETSLOT", slot, "MIGRATING", taker.id) for slot in left])
    counts = _expect(source, [("CLUSTER", "COUNTKEYSINSLOT", slot) for slot in left])
    moved = sum(_empty(settings, source, target, slot) for slot, count in zip(left, counts, strict=True) if count)
    # The new owner first: were it the other way round and this program killed, nobody would own the slots.
    _expect(target, [("CLUSTER", "SETSLOT", slot, "NODE", taker.id) for slot in left])
    _expect(source, [("CLUSTER", "SETSLOT", slot, "NODE", taker.id) for slot in slots])
    return moved


def _empty(settings: Settings, source: Client, target: Client, slot: int) -> int:
    moved = 0
    failures = 0
    while True:
        keys = source.call("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE)
        if not isinstance(keys, list) or not keys:
            return moved
        try:
            _migrate(settings, source, target.endpoint, [str(key) for key in keys])
            moved += len(keys)
        except Refused as refused:
            failures += 1
            if failures >= ATTEMPTS or "IOERR" not in str(refused):
                raise MoveFailed(f"slot {slot} from {source.endpoint} to {target.endpoint}: {refused}") from None


def _migrate(settings: Settings, source: Client, target: str, keys: list[str]) -> None:
    host, _, port = target.rpartition(":")
    # REPLACE: what a broken attempt left over there is older than what is still served here.
    words = ("MIGRATE", host, port, "", 0, MIGRATE_TIMEOUT_MS, "REPLACE", "AUTH2", settings.user, settings.password)
    source.call(*words, "KEYS", *keys)


def _expect(client: Client, commands: Sequence[tuple[str | int, ...]]) -> list[Reply]:
    if not commands:
        return []
    replies = client.pipeline(commands)
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(reply, Refused):
            raise MoveFailed(f"{client.endpoint}: {' '.join(map(str, command))}: {reply}")
    return replies
