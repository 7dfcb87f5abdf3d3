"""What the shipper asks of the primary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from shipper.database import Database
from shipper.facts import Column, Interval, Partition, Table, Transaction
from shipper.rows import NANOSECONDS, designated, quoted, select

HEARTBEAT = "_repl_heartbeat"

OWN_TABLES = frozenset(("telemetry", "telemetry_config"))
"""Of QuestDB itself, like those that begin with ``sys.``."""

_NAME = re.compile(r"^CREATE TABLE '.*?'", re.DOTALL)


class Primary:
    """The server that is followed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beats = False

    def pulse(self) -> tuple[int, ...]:
        """A few numbers that are others as soon as a transaction was written to any table or became readable.

        Not to the heartbeats: every other replica's shipper writes there, too.
        """
        [found] = self._database.ask(
            "SELECT count(), sum(wal_txn), sum(table_txn) FROM tables() WHERE walEnabled = true AND table_type = 'T' "
            f"AND table_name != '{HEARTBEAT}'"
        )
        return tuple(number or 0 for number in found)

    def tables(self) -> tuple[Table, ...]:
        """Every table. Answered from the server's memory: cheap enough to be asked all the time."""
        found = self._database.ask(
            "SELECT table_name, directoryName, wal_txn, table_txn, dedup, table_suspended, walEnabled FROM tables() "
            "WHERE table_type = 'T'"
        )
        return tuple(
            Table(name, directory, (written or 0, applied or 0), bool(dedup), bool(suspended), bool(logged))
            for name, directory, written, applied, dedup, suspended, logged in found
            if name not in OWN_TABLES
        )

    def visible(self) -> dict[str, int]:
        """For each table the number of the last transaction whose rows can be read. Read from disk."""
        return {name: number or 0 for name, number in self._database.ask("SELECT name, writerTxn FROM wal_tables()")}

    def log(self, table: str, after: int, columns: Sequence[Column]) -> tuple[Transaction, ...]:
        """The transactions after a number."""
        found = self._database.ask(
            "SELECT sequencerTxn, cast(timestamp AS LONG), cast(minTimestamp AS LONG), cast(maxTimestamp AS LONG), "
            f"rowCount, alterCommandType FROM wal_transactions('{_literal(table)}') WHERE sequencerTxn > {after}"
        )
        # The log's times are microseconds also where the table's are finer.
        finer = designated(columns).type == NANOSECONDS
        return tuple(
            Transaction(
                number,
                committed,
                None if first is None else first * 1000 if finer else first,
                None if last is None else last * 1000 + 999 if finer else last,
                rows,
                change,
            )
            for number, committed, first, last, rows, change in found
        )

    def columns(self, table: str) -> tuple[Column, ...]:
        """The table's columns, in their order."""
        return columns_of(self._database, table)

    def definition(self, table: str, name: str) -> str:
        """The statement that makes a table of the same columns, keys, partitions and TTL under another name."""
        [[statement]] = self._database.ask(f"SHOW CREATE TABLE {quoted(table)}")
        return _NAME.sub(f"CREATE TABLE '{_literal(name)}'", str(statement).rstrip().rstrip(";"), count=1)

    def rows(self, table: str, columns: Sequence[Column], interval: Interval, limit: int) -> list[list[Any]]:
        """The first rows of an interval, in the order of time."""
        return self._database.ask(select(table, columns, interval, limit))

    def partitions(self, table: str, columns: Sequence[Column]) -> dict[str, Partition]:
        """What there is of each span of the table's calendar."""
        return partitions_of(self._database, table, columns)

    def beat(self, source: str) -> None:
        """Write a row of the heartbeat table, which is made where it is missing."""
        if not self._beats:
            self._database.ask(
                f"CREATE TABLE IF NOT EXISTS {HEARTBEAT} (ts TIMESTAMP, src SYMBOL) TIMESTAMP(ts) PARTITION BY HOUR "
                "TTL 1 DAY WAL DEDUP UPSERT KEYS(ts, src)"
            )
            self._beats = True
        self._database.ask(f"INSERT INTO {HEARTBEAT} VALUES (now(), '{_literal(source)}')")


def columns_of(database: Database, table: str) -> tuple[Column, ...]:
    """A table's columns, in their order."""
    found = database.ask(f"SELECT \"column\", type, designated, upsertKey FROM table_columns('{_literal(table)}')")
    return tuple(Column(name, kind, bool(time), bool(key)) for name, kind, time, key in found)


SPANS = {"HOUR": 13, "DAY": 10, "MONTH": 7, "YEAR": 4}
"""How much of a time's text (``2026-11-23T18:34``) is the same for all of one span of the calendar."""

EPOCH = datetime(1970, 1, 1)


def partitions_of(database: Database, table: str, columns: Sequence[Column]) -> dict[str, Partition]:
    """What there is of each span of a table's calendar, by the span's own time.

    A server divides a large partition that is written out of order, each server as it likes: the pieces are counted as
    the span that they are of, since by their names two servers would not compare. Asked of the table's own directory of
    partitions, which costs the same however many rows there are.
    """
    found = database.ask(
        "SELECT partitionBy, cast(minTimestamp AS LONG), cast(maxTimestamp AS LONG), numRows "
        f"FROM table_partitions('{_literal(table)}') WHERE numRows > 0"
    )
    # Here, unlike in the log, the times are as fine as the table's.
    microsecond = 1000 if designated(columns).type == NANOSECONDS else 1
    spans: dict[str, Partition] = {}
    for unit, first, last, rows in found:
        span = _span(str(unit), EPOCH + timedelta(microseconds=first // microsecond))
        known = spans.get(span, Partition(0, Interval(first, last)))
        times = Interval(min(known.times.first, first), max(known.times.last, last))
        spans[span] = Partition(known.rows + int(rows), times)
    return spans


def _span(unit: str, begins: datetime) -> str:
    if unit == "WEEK":
        year, week, _ = begins.isocalendar()
        return f"{year}-W{week:02}"
    # A table without partitions is one span.
    return begins.isoformat()[: SPANS.get(unit, 0)]


def _literal(text: str) -> str:
    return text.replace("'", "''")
