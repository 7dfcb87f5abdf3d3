"""What the shipper knows of tables and transactions: plain values between the servers and the decision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column as the server describes it."""

    name: str
    type: str
    designated: bool = False
    key: bool = False
    """Part of the key by which rows are deduplicated."""


@dataclass(frozen=True)
class Table:
    """A table that the primary lists."""

    name: str
    directory: str
    """Another one under the same name is another table."""
    seen: tuple[int, int]
    """Two counters of which one moves with every transaction; only good for noticing that something happened."""
    dedup: bool
    suspended: bool
    logged: bool = True
    """Has a write-ahead log; else nobody can tell what was written to it."""


@dataclass(frozen=True)
class Copied:
    """A table as the replica lists it."""

    directory: str
    suspended: bool
    """What is written to it is acknowledged and not applied."""


@dataclass(frozen=True)
class Transaction:
    """One entry of a table's log."""

    number: int
    committed: int
    """Microseconds since the epoch, by the primary's clock."""
    first: int | None
    """Least and greatest timestamp of its rows, in the units of the table's timestamp; None for what has no rows."""
    last: int | None
    rows: int | None
    change: int
    """QuestDB's ``alterCommandType``: 0 rows, 1 a column was added, -1 an UPDATE or anything else without a number."""


@dataclass(frozen=True)
class Interval:
    """Timestamps from ``first`` to ``last``, both included."""

    first: int
    last: int


@dataclass(frozen=True)
class Partition:
    """What a table holds of one span of its calendar (an hour, a day: as it is partitioned)."""

    rows: int
    times: Interval
    """From its first row to its last."""


@dataclass(frozen=True)
class Mark:
    """How far a table was shipped."""

    directory: str
    """The primary's table."""
    transaction: int
    copy: str
    """The replica's own directory of it: another one is another table, made by nobody we know."""
