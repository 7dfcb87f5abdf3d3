"""Two real QuestDB servers and the shipper between them: what a model of the server might get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipper.database import Database
from shipper.facts import Partition
from shipper.follow import Follower
from shipper.marks import RESYNC, Marks
from shipper.primary import Primary
from shipper.progress import Progress
from shipper.replica import Replica
from shipper.settings import Server
from tests.questdb_process import QuestdbProcess, until

pytestmark = pytest.mark.parts

TABLE = "CREATE TABLE {} (ts {}, id LONG, px DOUBLE) TIMESTAMP(ts) PARTITION BY {} WAL DEDUP UPSERT KEYS(ts, id)"
PRIMARY = {
    # As the hub's: the log then tells the times of each transaction. Few entries a file, so that files of the log
    # grow old within a test.
    "QDB_CAIRO_DEFAULT_SEQUENCER_PART_TXN_COUNT": "2",
    # The time between two removals of what the log does not need any more, milliseconds.
    "QDB_CAIRO_WAL_PURGE_INTERVAL": "100",
    # A partition is divided as soon as a row comes out of order, whatever its size.
    "QDB_CAIRO_O3_PARTITION_SPLIT_MIN_SIZE": "1",
}


class Pair:
    """A primary, its replica, and the shipper as a new process would begin it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = Progress("nj")
        (folder / "password").write_text("quest")
        for name in ("primary", "replica"):
            (folder / name).mkdir()
        self.primary = QuestdbProcess(folder / "primary", PRIMARY)
        self.replica = QuestdbProcess(folder / "replica")
        login = ("admin", str(folder / "password"))
        self.databases = [Database(Server(server.address, *login)) for server in (self.primary, self.replica)]
        self.source, self.sink = Primary(self.databases[0]), Replica(self.databases[1])

    @property
    def marks(self) -> Marks:
        return Marks(self.folder / "marks")

    def shipper(self) -> Follower:
        return Follower(self.source, self.sink, self.marks, self.told)

    def written(self, statement: str) -> None:
        """A statement on the primary, of which the rows can be read when this returns."""
        self.primary.ask(statement)
        self.settled(self.primary)

    def settled(self, server: QuestdbProcess) -> None:
        until(lambda: all(at == upto for at, upto in server.ask("SELECT writerTxn, sequencerTxn FROM wal_tables()")))

    def shipped(self, table: str) -> None:
        """A shipper looks until both sides hold the same."""
        ours = self.shipper()

        def same() -> bool:
            ours.look()
            there = [name for (name,) in self.replica.ask("SELECT table_name FROM tables()")]
            rows = f"SELECT * FROM {table} ORDER BY ts, id"
            return table in there and self.primary.ask(rows) == self.replica.ask(rows)

        until(same)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    servers = (pair.primary, pair.replica)
    try:
        for server in servers:
            server.start()
        yield pair
    finally:
        for database in pair.databases:
            database.close()
        for server in servers:
            if server.running:
                server.stop()


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_a_dropped_and_remade_table_needs_a_resync_and_is_mended_by_it(pair: Pair, rows: int) -> None:
    """Whether its new log is shorter, as long, or longer than what was shipped of the old one."""
    table = f"remade_{rows}"
    insert = f"INSERT INTO {table} VALUES ('2026-01-0{{0}}T00:00:00Z', {{0}}, 1.0)"
    pair.written(TABLE.format(table, "TIMESTAMP", "DAY"))
    pair.written(insert.format(1))
    pair.written(insert.format(2))
    pair.shipped(table)

    pair.written(f"DROP TABLE {table}")
    pair.written(TABLE.format(table, "TIMESTAMP", "DAY"))
    for day in range(rows):
        pair.written(insert.format(3 + day))
    pair.shipper().look()
    assert pair.marks.needs_resync[table] == "it was dropped and made again"
    held = f"SELECT id FROM {table} ORDER BY id"
    assert pair.replica.ask(held) == [[1], [2]], "nothing of the new table is mixed into the old one"

    pair.marks.request(RESYNC, table)
    pair.shipped(table)
    assert table not in pair.marks.needs_resync


def test_a_log_that_was_purged_while_the_shipper_was_away_needs_a_resync(pair: Pair) -> None:
    pair.written(TABLE.format("purged", "TIMESTAMP", "DAY"))
    pair.shipped("purged")
    for number in range(12):
        pair.written(f"INSERT INTO purged VALUES ('2026-01-01T00:00:00Z', {number}, 1.0)")
    # The server's own housekeeping takes away what is applied and old.
    until(lambda: pair.primary.ask("SELECT min(sequencerTxn) FROM wal_transactions('purged')")[0][0] > 2)
    pair.shipper().look()
    assert "purged" in pair.marks.needs_resync["purged"]


@pytest.mark.parametrize(("unit", "spans"), [("HOUR", 23), ("DAY", 2), ("WEEK", 1), ("MONTH", 2), ("YEAR", 2)])
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_NS"])
def test_partitions_compare_whatever_each_server_divided_and_what_was_lost_is_copied_again(
    pair: Pair, kind: str, unit: str, spans: int
) -> None:
    table = f"divided_{kind}_{unit}".lower()
    pair.written(TABLE.format(table, kind, unit))
    # Twenty-two hours around the turn of a year; then a few rows near the end, out of order.
    rows = f"SELECT timestamp_sequence('{{}}'::{kind}, 1_000_000), {{}} + x, rnd_double() FROM long_sequence({{}})"
    pair.written(f"INSERT INTO {table} " + rows.format("2025-12-31T20:00:00Z", 0, 80_000))
    pair.written(f"INSERT INTO {table} " + rows.format("2026-01-01T18:05:00Z", 100_000, 10))
    pair.shipped(table)
    pair.settled(pair.replica)
    columns = pair.source.columns(table)
    ours = pair.source.partitions(table, columns)
    assert rows_of(ours) == rows_of(pair.sink.partitions(table, columns))
    assert sum(part.rows for part in ours.values()) == 80_010
    assert len(ours) == spans
    [[pieces]] = pair.primary.ask(f"SELECT count() FROM table_partitions('{table}')")
    assert pieces > spans or unit == "HOUR", "the primary has divided one that is not all too small"

    newest = f"SELECT name, numRows FROM table_partitions('{table}') ORDER BY minTimestamp DESC LIMIT 1"
    [[name, lost]] = pair.replica.ask(newest)
    pair.replica.ask(f"ALTER TABLE {table} DROP PARTITION LIST '{name}'")
    pair.settled(pair.replica)
    shipper = pair.shipper()
    shipper.look()
    shipper.compare()
    assert pair.told.document()["row_differences"][table] == lost > 0
    pair.settled(pair.replica)
    shipper.compare()
    assert pair.told.document()["row_differences"][table] == 0
    assert table not in pair.marks.needs_resync
    pair.shipped(table)


def rows_of(partitions: dict[str, Partition]) -> dict[str, int]:
    return {span: part.rows for span, part in partitions.items()}
