"""Hash slots: where a key lies, and how the slots are shared out so that a region's keys lie with the region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SLOTS = 16384
"""Hash slots of a Redis cluster (its specification, "Key distribution model")."""

SlotRange = tuple[int, int]
"""First and last slot, both included."""

_POLYNOMIAL = 0x1021  # CRC-16/XMODEM, which the cluster specification names in its appendix A


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ _POLYNOMIAL if crc & 0x8000 else crc << 1
        table.append(crc & 0xFFFF)
    return tuple(table)


_CRC16 = _table()


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFF) ^ _CRC16[(crc >> 8) ^ byte]
    return crc


def slot_of(key: str) -> int:
    """The slot of a key; where something stands between its first ``{`` and the next ``}``, only that counts."""
    opened = key.find("{")
    closed = key.find("}", opened + 1)
    if opened != -1 and closed > opened + 1:
        key = key[opened + 1 : closed]
    return crc16(key.encode()) % SLOTS


def tag_slot(region: str) -> int:
    """The slot of a region's hash tag: of every key with ``{region}`` in it."""
    return slot_of("{" + region + "}")


def share_out(
    members: Sequence[str], tags: Mapping[str, int], owned: Mapping[int, str] | None = None
) -> dict[int, str]:
    """An owner for every slot: each member's tag with itself, all shares equal to within one slot.

    Args:
        members: who shares, in order: the first ones get the slots that do not divide.
        tags: the slot of each member's tag; no two the same.
        owned: who has which slot now. What a member has already it keeps as far as its share goes, so that as few slots
            as possible move; of who is no member here nothing stays.
    """
    quota = {name: SLOTS // len(members) + (number < SLOTS % len(members)) for number, name in enumerate(members)}
    owners = {tags[name]: name for name in members}
    for name in members:
        quota[name] -= 1
    for slot, name in sorted((owned or {}).items()):
        if slot not in owners and quota.get(name, 0) > 0:
            owners[slot] = name
            quota[name] -= 1
    free = (slot for slot in range(SLOTS) if slot not in owners)
    vacant = [name for name in members for _ in range(quota[name])]
    owners |= dict(zip(list(free), vacant, strict=True))
    return owners


def ranges_of(slots: Iterable[int]) -> tuple[SlotRange, ...]:
    """Slots as the fewest ranges, in order."""
    ranges: list[SlotRange] = []
    for slot in sorted(slots):
        if ranges and ranges[-1][1] == slot - 1:
            ranges[-1] = (ranges[-1][0], slot)
        else:
            ranges.append((slot, slot))
    return tuple(ranges)


def slots_in(ranges: Iterable[SlotRange]) -> frozenset[int]:
    """The slots of some ranges."""
    return frozenset(slot for first, last in ranges for slot in range(first, last + 1))
