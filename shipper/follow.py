"""The loop: looks at the primary, carries out what was decided for each table, and keeps the marks."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

from shipper.compare import Differs, Equal, compared
from shipper.database import Refused, Unreachable
from shipper.decide import Copy, Nothing, Resync, decide, missing_columns
from shipper.facts import Column, Copied, Interval, Mark, Partition, Table, Transaction
from shipper.marks import FORGET, RESYNC, Marks
from shipper.progress import FOLLOWING, WAITING, Progress
from shipper.rows import Unwritable, unsupported

ALL_TIMES = Interval(0, 2**62)
"""Every timestamp that a QuestDB table may be ordered by."""

SWEEP_SECONDS = 2.0
"""Between two looks at every table's exact state. The cheap look in between may miss what has no rows."""
BACK_OFF_SECONDS = 0.5
"""After a server did not answer."""
APPLY_SECONDS = 600.0
"""How long the replica may take to make a whole copied table readable."""

REFUSAL_SECONDS = 30.0
"""How long a server's refusal about one table is tried again: a new table is listed before it can be asked about."""

FEWEST_ROWS, MOST_ROWS = 500, 100_000
"""Of a piece whose rows are counted by its size."""

COPY = "__resync"
"""Ending of the name under which a table is copied before it takes the old one's place."""


class Stopped(Exception):
    """The process was told to end; what was acknowledged is kept."""


class Source(Protocol):
    """What is asked of the primary; ``shipper.primary`` explains."""

    def pulse(self) -> tuple[int, ...]: ...
    def tables(self) -> tuple[Table, ...]: ...
    def visible(self) -> dict[str, int]: ...
    def log(self, table: str, after: int, columns: Sequence[Column]) -> tuple[Transaction, ...]: ...
    def columns(self, table: str) -> tuple[Column, ...]: ...
    def definition(self, table: str, name: str) -> str: ...
    def rows(self, table: str, columns: Sequence[Column], interval: Interval, limit: int) -> list[list[Any]]: ...
    def partitions(self, table: str, columns: Sequence[Column]) -> dict[str, Partition]: ...


class Sink(Protocol):
    """What is done to the replica; ``shipper.replica`` explains."""

    def tables(self) -> dict[str, Copied]: ...
    def columns(self, table: str) -> tuple[Column, ...]: ...
    def make(self, statement: str) -> None: ...
    def add(self, table: str, column: Column) -> None: ...
    def drop(self, table: str) -> None: ...
    def rename(self, table: str, name: str) -> None: ...
    def prepared(self, table: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Any: ...
    def write(self, prepared: Any) -> None: ...
    def applied(self, table: str) -> bool: ...
    def partitions(self, table: str, columns: Sequence[Column]) -> dict[str, Partition]: ...


@dataclass(frozen=True)
class Piece:
    """Rows of the primary as the replica takes them."""

    rows: int
    prepared: Any
    onwards: int | None
    """The timestamp at which the next piece begins; None after the last."""


Ahead = Callable[[Callable[[], Piece]], Callable[[], Piece]]
"""Begins to read and returns how to wait for what was read."""


class Follower:
    """Ships every table of one primary to one replica."""

    def __init__(
        self,
        source: Source,
        sink: Sink,
        marks: Marks,
        progress: Progress,
        skip: tuple[str, ...] = (),
        quiet: tuple[str, ...] = (),
        chunk_rows: int = 20_000,
        chunk_bytes: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
        ahead: Ahead = lambda read: read,
    ) -> None:
        """``quiet`` tables are looked at in sweeps only, and make nobody look more often.

        ``ahead`` may begin to read before it is waited for: pieces are then read while others are written.

        Args:
            chunk_rows: rows of the first piece of an interval.
            chunk_bytes: what each further piece is to come to as it is written; 0: they have as many rows as the first.
        """
        self._ahead = ahead
        self._source, self._sink = source, sink
        self._marks, self._progress = marks, progress
        self._skip, self._quiet, self._chunk, self._bytes = skip, quiet, chunk_rows, chunk_bytes
        self._stopped, self._clock, self._wait = stopped, clock, wait
        self._seen: dict[str, tuple[int, int]] = {}
        self._columns: dict[str, tuple[Column, ...]] = {}
        self._refused: dict[str, float] = {}
        self._behind_since: dict[str, float] = {}
        self._copies: dict[str, Copied] = {}
        self._mended: set[str] = set()
        """Tables of which rows were copied again and that were not found equal since."""
        self._swept = 0.0
        self._moved = False
        """Whether the last look found rows to ship."""
        self._awaited: set[str] = set()
        """Quiet tables in which a row of our own is on its way."""
        self._rest: tuple[int, ...] | None = None
        """The primary's pulse when last there was nothing left to do."""

    def await_row(self, table: str) -> None:
        """A row of our own was written to a quiet table: it is shipped as soon as it can be read. What others write
        there waits for the next sweep."""
        self._awaited.add(table)

    def look(self) -> bool:
        """One look at everything; returns whether rows were shipped.

        Raises:
            Unreachable: a server did not answer; what was acknowledged is kept.
        """
        sweep = self._clock() - self._swept >= SWEEP_SECONDS
        # While rows flow it would only say so.
        pulse = None if self._moved else self._source.pulse()
        called = sweep or self._awaited or self._marks.anything_requested()
        if pulse is not None and pulse == self._rest and not called:
            return False
        tables = {table.name: table for table in self._source.tables() if not table.name.startswith(self._skip)}
        asked = self._asked(tables)
        if sweep:
            self._copies = self._sink.tables()
        moved = False
        news = [
            table
            for table in tables.values()
            if sweep or table.name in asked or (self._is_due(table.name) and self._seen.get(table.name) != table.seen)
        ]
        visible = self._source.visible() if news else {}
        for table in news:
            shipped = self._attend(table, visible.get(table.name, 0), table.name in asked)
            # The heartbeat alone is no flow of rows: who only beats may be looked at less often.
            moved |= shipped and table.name not in self._quiet
            if shipped:
                self._awaited.discard(table.name)
        if sweep:
            self._swept = self._clock()
            self._gone(tables)
        self._tell(tables)
        settled = (
            self._seen.get(name) == table.seen or name in self._marks.needs_resync or not self._is_due(name)
            for name, table in tables.items()
        )
        self._rest = pulse if all(settled) else None
        self._moved = moved
        return moved

    def _is_due(self, table: str) -> bool:
        """Whether news of a table are looked at between two sweeps."""
        return table not in self._quiet or table in self._awaited

    def _asked(self, tables: Mapping[str, Table]) -> frozenset[str]:
        """The tables that somebody wants copied anew; what is asked of tables that are gone is answered here."""
        for name in self._marks.requested(FORGET):
            self._marks.forget(name)
            self._marks.answered(FORGET, name)
        asked = self._marks.requested(RESYNC)
        for name in asked:
            if name not in tables:
                self._progress.failed(f"{name}: asked for, and not on the primary")
                self._marks.answered(RESYNC, name)
        return frozenset(asked) & frozenset(tables)

    def _tell(self, tables: Mapping[str, Table]) -> None:
        """Lag of every table, whether something is being done about it or not."""
        for name, table in tables.items():
            mark = self._marks.get(name)
            behind = max(table.seen) - mark.transaction if mark is not None else max(table.seen)
            if behind <= 0 and name not in self._marks.needs_resync:
                self._behind_since.pop(name, None)
            since = self._behind_since.get(name)
            if since is None and (behind > 0 or name in self._marks.needs_resync):
                since = self._behind_since[name] = self._clock()
            self._progress.behind(name, max(0, behind), 0.0 if since is None else self._clock() - since)
        self._progress.needs(self._marks.needs_resync)

    def _attend(self, table: Table, visible: int, asked: bool) -> bool:
        """One table; what is wrong with it alone does not stop the others."""
        mark = self._marks.get(table.name)
        if table.name in self._marks.needs_resync and not asked:
            return False
        try:
            if asked or mark is None or self._is_another(table.name, mark):
                moved = self._copy_anew(table, visible)
                self._marks.answered(RESYNC, table.name)
            else:
                moved = self._follow(table, mark, visible)
        except Unwritable as problem:
            self._progress.failed(f"{table.name}: {problem}")
            self._marks.give_up(table.name, str(problem))
            return False
        except Refused as problem:
            self._progress.failed(f"{table.name}: {problem}")
            if self._clock() - self._refused.setdefault(table.name, self._clock()) > REFUSAL_SECONDS:
                self._marks.give_up(table.name, str(problem))
                del self._refused[table.name]
            # Until the next sweep: what is refused now is refused again at once.
            self._seen[table.name] = table.seen
            return False
        self._refused.pop(table.name, None)
        return moved

    def _is_another(self, table: str, mark: Mark) -> bool:
        """Whether the replica's table is not the one that was shipped to: its disk was lost, or it was made anew."""
        copy = self._copies.get(table)
        return copy is None or copy.directory != mark.copy

    def _follow(self, table: Table, mark: Mark, visible: int) -> bool:
        if self._copies[table.name].suspended:
            self._marks.give_up(table.name, "it is suspended on the replica: what is written there is not applied")
            return False
        columns = self._known_columns(table.name)
        # Of another table under the name the log says nothing, and an empty one is refused.
        news = visible != mark.transaction and table.directory == mark.directory
        log = self._source.log(table.name, mark.transaction, columns) if news else ()
        step = decide(table, mark, visible, log)
        if isinstance(step, Nothing):
            # What was committed and is not visible yet shows in these counters before it can be read.
            if table.seen[0] <= visible:
                self._seen[table.name] = table.seen
            return False
        if isinstance(step, Resync):
            self._marks.give_up(table.name, step.reason)
            return False
        if step.columns_added and (refused := self._complete_columns(table.name)) is not None:
            self._marks.give_up(table.name, refused.reason)
            return False
        rows = self._ship(table.name, table.name, step)
        self._marks.move(table.name, Mark(table.directory, step.upto, mark.copy))
        now = self._clock()
        # What others write to a quiet table is left lying for a while on purpose: no lag of the rows that count.
        counted = () if table.name in self._quiet else log
        lags = [now - entry.committed / 1e6 for entry in counted if entry.number <= step.upto]
        self._progress.acknowledged(table.name, rows, lags)
        return True

    def _ship(self, table: str, into: str, step: Copy) -> int:
        columns = self._known_columns(table)
        return sum(self._ship_interval(table, into, columns, interval) for interval in step.intervals)

    def _ship_interval(self, table: str, into: str, columns: Sequence[Column], interval: Interval) -> int:
        """Every row of an interval, piece by piece. A piece ends before a timestamp, with which the next one begins:
        what a writer inserts or drops meanwhile moves no row past us, and no row is written twice, which would have the
        replica merge what it can append."""
        limit = usual = self._chunk
        shipped = 0
        begun = self._ahead(partial(self._read, table, into, columns, interval, limit))
        while True:
            piece = begun()
            if self._stopped():
                raise Stopped
            if piece.onwards is not None:
                usual = self._next_rows(piece, usual)
                # One timestamp alone had as many rows.
                limit = 2 * limit if piece.onwards == interval.first else usual
                interval = Interval(piece.onwards, interval.last)
                begun = self._ahead(partial(self._read, table, into, columns, interval, limit))
            if piece.rows:
                try:
                    self._sink.write(piece.prepared)
                except Exception:
                    if piece.onwards is not None:
                        # Whoever goes on asks the primary over the same connection.
                        with suppress(Exception):
                            begun()
                    raise
                shipped += piece.rows
                # A long copy is work, not silence.
                self._progress.look(f"copying {table}")
            if piece.onwards is None:
                return shipped

    def _next_rows(self, piece: Piece, usual: int) -> int:
        """How many rows make a piece of the wanted size, by the piece before."""
        if not self._bytes or not piece.rows:
            return usual
        return max(FEWEST_ROWS, min(MOST_ROWS, self._bytes * piece.rows // len(piece.prepared)))

    def _read(self, table: str, into: str, columns: Sequence[Column], interval: Interval, limit: int) -> Piece:
        rows = self._source.rows(table, columns, interval, limit)
        onwards = None
        if len(rows) == limit:
            # There may be more rows of the last timestamp.
            onwards = rows[-1][0]
            del rows[bisect_left(rows, onwards, key=itemgetter(0)) :]
        return Piece(len(rows), self._sink.prepared(into, columns, rows), onwards)

    def _complete_columns(self, table: str) -> Resync | None:
        self._columns.pop(table, None)
        columns = self._known_columns(table)
        if cannot := unsupported(columns):
            return Resync(_unsupported(cannot))
        missing = missing_columns(columns, self._sink.columns(table))
        if isinstance(missing, Resync):
            return missing
        for column in missing:
            self._sink.add(table, column)
        if missing:
            self._await_applied(table)
        return None

    def _copy_anew(self, table: Table, visible: int) -> bool:
        """Copy a whole table beside the one that is there, then let it take that one's place."""
        self._columns.pop(table.name, None)
        columns = self._known_columns(table.name)
        if not table.logged:
            self._marks.give_up(table.name, "it has no write-ahead log (BYPASS WAL): nobody can tell what is new in it")
            return False
        if not table.dedup:
            self._marks.give_up(table.name, "it has no deduplication: without keys a row cannot be written twice")
            return False
        if cannot := unsupported(columns):
            self._marks.give_up(table.name, _unsupported(cannot))
            return False
        beside = table.name + COPY
        self._sink.drop(beside)
        self._sink.make(self._source.definition(table.name, beside))
        rows = self._ship_interval(table.name, beside, columns, ALL_TIMES)
        self._await_applied(beside)
        self._sink.drop(table.name)
        self._sink.rename(beside, table.name)
        self._copies = self._sink.tables()
        if table.name not in self._copies:
            raise Refused(f"{table.name} is not there after it was copied")
        self._marks.move(table.name, Mark(table.directory, visible, self._copies[table.name].directory))
        self._progress.acknowledged(table.name, rows, [])
        return True

    def _await_applied(self, table: str) -> None:
        """Wait until the replica can read all that it was given of a table."""
        deadline = self._clock() + APPLY_SECONDS
        while not self._sink.applied(table):
            if self._clock() > deadline:
                raise Refused(f"the replica does not make {table} readable within {APPLY_SECONDS:.0f} s")
            self._progress.look(f"waiting for the replica to apply {table}")
            self._wait(0.05)

    def _gone(self, tables: Mapping[str, Table]) -> None:
        for name in self._marks.tables():
            if name not in tables:
                self._marks.give_up(name, "it is not on the primary any more: it was dropped or renamed")

    def _known_columns(self, table: str) -> tuple[Column, ...]:
        if table not in self._columns:
            self._columns[table] = self._source.columns(table)
        return self._columns[table]

    def compare(self) -> None:
        """Count the rows of both sides where both have come to rest; what the replica lacks is copied again.

        Raises:
            Unreachable: a server did not answer.
        """
        for name in self._marks.tables():
            mark = self._marks.get(name)
            if mark is None or name in self._marks.needs_resync:
                continue
            try:
                self._compare(name, mark)
            except Refused as problem:
                # Dropped between two questions, for instance: the next look meets it.
                self._progress.failed(f"{name}: not compared: {problem}")

    def _compare(self, table: str, mark: Mark) -> None:
        columns = self._known_columns(table)
        ours, theirs = self._source.partitions(table, columns), self._sink.partitions(table, columns)
        at_rest = self._source.visible().get(table) == mark.transaction and self._sink.applied(table)
        if not at_rest or self._sink.partitions(table, columns) != theirs:
            return
        found = compared(ours, theirs)
        self._progress.compared(table, found.delta)
        if isinstance(found, Equal):
            self._mended.discard(table)
        elif isinstance(found, Differs) or table in self._mended:
            self._marks.give_up(table, found.text)
        else:
            self._progress.failed(f"{table}: {found.text}; copied again")
            rows = sum(self._ship_interval(table, table, columns, interval) for interval in found.intervals)
            self._progress.acknowledged(table, rows, [])
            self._mended.add(table)


def _unsupported(columns: Sequence[Column]) -> str:
    listed = ", ".join(f"{column.name} {column.type}" for column in columns)
    return f"unsupported column: {listed} cannot be shipped unchanged"


def run(
    follower: Follower,
    progress: Progress,
    stopped: Callable[[], bool],
    busy_seconds: float,
    idle_seconds: float,
    compare_seconds: float,
    beat: Callable[[], None],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Look until told to stop. Servers that do not answer are waited for."""
    moved_at = compared_at = time.monotonic()
    while not stopped():
        try:
            beat()
            if follower.look():
                moved_at = time.monotonic()
            if time.monotonic() - compared_at > compare_seconds:
                compared_at = time.monotonic()
                follower.compare()
            progress.look(FOLLOWING)
        except Stopped:
            return
        except Unreachable as silent:
            progress.failed(str(silent))
            progress.look(f"{WAITING}{silent}")
            wait(BACK_OFF_SECONDS)
            continue
        wait(busy_seconds if time.monotonic() - moved_at < 1.0 else idle_seconds)
