"""QuestDB in memory, as far as the shipper meets it: a log, transactions that become visible later, upserts by key.

A crash is an exception at any call; what was acknowledged before it stays, and a write may have been committed although
its answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from shipper.database import Refused
from shipper.facts import Column, Copied, Interval, Partition, Table, Transaction

TIME = Column("ts", "TIMESTAMP", designated=True, key=True)
KEY = Column("id", "LONG", key=True)
VALUE = Column("px", "DOUBLE")

SPAN = 10
"""Timestamps of one partition."""

Rows = dict[tuple[int, int], tuple[Any, ...]]


@dataclass
class Store:
    """One table: its rows by key, its log, and how much of the log can be read."""

    directory: str
    columns: list[Column] = field(default_factory=lambda: [TIME, KEY, VALUE])
    log: list[tuple[Transaction, list[tuple[Any, ...]]]] = field(default_factory=list)
    visible: int = 0
    purged: int = 0
    suspended: bool = False
    logged: bool = True
    rows: Rows = field(default_factory=dict)

    def commit(self, rows: list[tuple[Any, ...]]) -> None:
        times = [row[0] for row in rows]
        self.log.append((Transaction(len(self.log) + 1, 0, min(times), max(times), len(rows), 0), rows))

    def alter(self, change: int) -> None:
        self.log.append((Transaction(len(self.log) + 1, 0, None, None, None, change), []))

    def apply(self, upto: int | None = None) -> None:
        """Let committed rows become readable."""
        for transaction, rows in self.log[self.visible : upto]:
            for row in rows:
                self.rows[row[0], row[1]] = row
            self.visible = transaction.number


@dataclass
class Server:
    """A server. ``before`` is called at each call and may raise: that is the fault."""

    name: str
    stores: dict[str, Store] = field(default_factory=dict)
    before: Callable[[str], None] = lambda call: None
    between: Callable[[], None] = lambda: None
    """Called after rows were read: what others commit meanwhile."""
    made: int = 0

    # --- as the source ---

    def pulse(self) -> tuple[int, ...]:
        self.before("pulse")
        stores = self.stores.values()
        return len(stores), sum(len(store.log) for store in stores), sum(store.visible for store in stores)

    def tables(self) -> tuple[Table, ...]:
        self.before("tables")
        return tuple(
            Table(
                name,
                store.directory,
                (len(store.log), store.visible),
                dedup=store.logged,
                suspended=False,
                logged=store.logged,
            )
            for name, store in self.stores.items()
        )

    def visible(self) -> dict[str, int]:
        self.before("visible")
        return {name: store.visible for name, store in self.stores.items()}

    def log(self, table: str, after: int, columns: Sequence[Column]) -> tuple[Transaction, ...]:
        self.before("log")
        store = self.stores[table]
        return tuple(entry for entry, _ in store.log if entry.number > max(after, store.purged))

    def columns(self, table: str) -> tuple[Column, ...]:
        self.before("columns")
        return tuple(self.stores[table].columns) if table in self.stores else ()

    def definition(self, table: str, name: str) -> str:
        return f"{name} like {table}"

    def rows(self, table: str, columns: Sequence[Column], interval: Interval, limit: int) -> list[list[Any]]:
        self.before("rows")
        found = [row for row in self.stores[table].rows.values() if interval.first <= row[0] <= interval.last]
        read = [list(row) for row in sorted(found)[:limit]]
        self.between()
        return read

    def partitions(self, table: str, columns: Sequence[Column]) -> dict[str, Partition]:
        self.before("partitions")
        spans: dict[str, list[int]] = {}
        for moment, _ in self.stores[table].rows:
            spans.setdefault(str(moment // SPAN), []).append(moment)
        return {span: Partition(len(times), Interval(min(times), max(times))) for span, times in spans.items()}

    # --- as the sink ---

    def sink(self) -> Replica:
        """This server as the shipper writes to it."""
        return Replica(self)

    def make(self, statement: str) -> None:
        self.before("make")
        self.made += 1
        self.stores[statement.split()[0]] = Store(f"made~{self.made}")

    def add(self, table: str, column: Column) -> None:
        self.before("add")
        self.stores[table].columns.append(column)

    def drop(self, table: str) -> None:
        self.before("drop")
        self.stores.pop(table, None)

    def rename(self, table: str, name: str) -> None:
        self.before("rename")
        if name in self.stores:
            raise Refused(f"{name} exists")
        self.stores[name] = self.stores.pop(table)

    def prepared(self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Any:
        return table, rows

    def write(self, prepared: tuple[str, Sequence[Sequence[Any]]]) -> None:
        table, rows = prepared
        self.before("write")
        if table not in self.stores:
            raise Refused(f"no table {table}")
        for row in rows:
            self.stores[table].rows[row[0], row[1]] = tuple(row)
        # The answer may be lost although everything was written.
        self.before("written")

    def applied(self, table: str) -> bool:
        self.before("applied")
        return True


class Replica:
    """A server in the other role: it lists its tables in another way."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def tables(self) -> dict[str, Copied]:
        self._server.before("tables")
        return {name: Copied(store.directory, store.suspended) for name, store in self._server.stores.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)


def clock(seconds: float) -> Iterator[float]:
    """So much time passes with each look at it."""
    now = 0.0
    while True:
        now += seconds
        yield now
