"""What the shipper does to the replica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shipper.database import Database, Refused
from shipper.facts import Column, Copied, Partition
from shipper.primary import HEARTBEAT, columns_of, partitions_of
from shipper.rows import lines, precision, quoted


@dataclass(frozen=True)
class Lines:
    """Rows in InfluxDB's line protocol."""

    text: bytes
    precision: str

    def __len__(self) -> int:
        """In bytes."""
        return len(self.text)


class Replica:
    """The server that follows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tables(self) -> dict[str, Copied]:
        """Every table that is there, by its name."""
        found = self._database.ask("SELECT table_name, directoryName, table_suspended FROM tables()")
        return {name: Copied(directory, bool(suspended)) for name, directory, suspended in found}

    def columns(self, table: str) -> tuple[Column, ...]:
        """The table's columns; none where there is no such table."""
        try:
            return columns_of(self._database, table)
        except Refused:
            return ()

    def make(self, statement: str) -> None:
        """Make a table."""
        self._database.ask(statement)

    def add(self, table: str, column: Column) -> None:
        """Add a column."""
        self._database.ask(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column.name)} {column.type}")
        # The server remembers the columns that a connection has written to; another one sees the new column.
        self._database.close()

    def drop(self, table: str) -> None:
        """Away with a table, if it is there."""
        self._database.ask(f"DROP TABLE IF EXISTS {quoted(table)}")

    def rename(self, table: str, name: str) -> None:
        """Give a table another name."""
        self._database.ask(f"RENAME TABLE {quoted(table)} TO {quoted(name)}")

    def prepared(self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Lines:
        """Rows as they are sent; asks nobody.

        Raises:
            Unwritable: a row cannot be said in the protocol.
        """
        return Lines(lines(table, columns, rows).encode(), precision(columns))

    def write(self, prepared: Lines) -> None:
        """Upsert rows; returns when they are committed."""
        self._database.write(prepared.text, prepared.precision)

    def applied(self, table: str) -> bool:
        """Whether everything that was committed to a table can be read."""
        found = self._database.ask("SELECT name, writerTxn, sequencerTxn FROM wal_tables()")
        return all(written == committed for name, written, committed in found if name == table)

    def partitions(self, table: str, columns: Sequence[Column]) -> dict[str, Partition]:
        """What there is of each span of the table's calendar."""
        return partitions_of(self._database, table, columns)

    def last_beat(self) -> float | None:
        """Seconds since the newest heartbeat that can be read here, by the replica's clock; None before the first."""
        try:
            [[behind]] = self._database.ask(f"SELECT cast(now() AS LONG) - cast(max(ts) AS LONG) FROM {HEARTBEAT}")
        except Refused:
            return None
        return None if behind is None else behind / 1e6
