"""The decision: from how far a table was shipped and what its log says to what is to be done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shipper.facts import Column, Interval, Mark, Table, Transaction

ROWS, COLUMN_ADDED = 0, 1
"""Kinds of transactions that can be followed (``alterCommandType`` of QuestDB 9.3, measured)."""


GAP = 20
"""A gap of less than one part in so many of the interval behind it is a short one."""


@dataclass(frozen=True)
class Copy:
    """Copy these intervals, then note that the table was shipped up to ``upto``."""

    intervals: tuple[Interval, ...]
    upto: int
    columns_added: bool
    """Whether the replica's columns must be completed first."""
    oldest: int
    """When the first of these transactions was committed, microseconds since the epoch."""


@dataclass(frozen=True)
class Resync:
    """The table cannot be followed from here on; why."""

    reason: str


@dataclass(frozen=True)
class Nothing:
    """The table is shipped as far as it can be read."""


Step: TypeAlias = Copy | Resync | Nothing


def decide(table: Table, mark: Mark, visible: int, log: Sequence[Transaction]) -> Step:
    """What to do for a table that was shipped before.

    Args:
        visible: number of the last transaction whose rows can be read.
        log: the transactions after the mark, in order; may go beyond ``visible``.
    """
    if table.directory != mark.directory:
        return Resync("it was dropped and made again")
    if not table.dedup:
        return Resync("it has no deduplication any more: without keys a row cannot be written twice")
    news = [entry for entry in log if mark.transaction < entry.number <= visible]
    if visible < mark.transaction:
        return Resync(f"its log ends at {visible}, before what was shipped ({mark.transaction}): it was restored")
    if not news:
        return Nothing() if visible == mark.transaction else Resync("its log was purged")
    numbers = [entry.number for entry in news]
    if numbers != list(range(mark.transaction + 1, visible + 1)):
        return Resync("its log was purged")
    for entry in news:
        if entry.change not in (ROWS, COLUMN_ADDED):
            return Resync(_why(entry.change))
        if entry.change == ROWS and (entry.first is None or entry.last is None):
            return Resync("its log has no times: it was made without cairo.default.sequencer.part.txn.count")
    return Copy(
        intervals=merged(
            Interval(entry.first, entry.last)
            for entry in news
            if entry.change == ROWS and entry.first is not None and entry.last is not None
        ),
        upto=visible,
        columns_added=any(entry.change == COLUMN_ADDED for entry in news),
        oldest=news[0].committed,
    )


def _why(change: int) -> str:
    named = {8: "a column was dropped", 9: "a column was renamed", 17: "a column's type was changed"}
    keys = "its deduplication was changed"
    return {**named, 15: keys, 16: keys}.get(
        change, "rows were changed without being written: UPDATE, TRUNCATE, DROP PARTITION or a table setting"
    )


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same timestamps in few intervals, in order.

    A short gap is filled: one long interval is read while it is written, and a row of the gap that is shipped once more
    changes nothing.
    """
    done: list[Interval] = []
    for interval in sorted(intervals, key=lambda item: item.first):
        if done and interval.first - done[-1].last <= 1 + (interval.last - interval.first) // GAP:
            done[-1] = Interval(done[-1].first, max(done[-1].last, interval.last))
        else:
            done.append(interval)
    return tuple(done)


def missing_columns(source: Sequence[Column], sink: Sequence[Column]) -> tuple[Column, ...] | Resync:
    """The columns that the replica lacks, or why its table cannot be made like the primary's by adding some."""
    there = {column.name: column for column in sink}
    for column in sink:
        if column.name not in {entry.name for entry in source}:
            return Resync(f"the replica has a column {column.name} that the primary has not")
    for column in source:
        other = there.get(column.name)
        if other is not None and (other.type, other.designated, other.key) != (
            column.type,
            column.designated,
            column.key,
        ):
            return Resync(f"column {column.name} is {column.type} here and {other.type} on the replica")
    return tuple(column for column in source if column.name not in there)
