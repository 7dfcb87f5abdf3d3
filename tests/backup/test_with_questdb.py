"""A copy of a real QuestDB: what its manifest says, and that it comes back as of its moment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from backup.tables import tables_of
from templates.render import render
from tests.backup.standing import Database, Hub
from tests.questdb_process import QuestdbProcess, until

pytestmark = pytest.mark.parts

TABLE = (
    "CREATE TABLE '{}' (ts TIMESTAMP, id LONG, venue SYMBOL) TIMESTAMP(ts) PARTITION BY HOUR WAL "
    "DEDUP UPSERT KEYS(ts, id)"
)
ASK = "import sys, urllib.parse, urllib.request as u; u.urlopen(sys.argv[1] + urllib.parse.quote(sys.argv[2])).read()"


class Questdb(Database):
    """The database is a process of this machine."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._server = QuestdbProcess(self.volume())
        self._scripts = hub.volume.parent / "scripts"
        self._scripts.mkdir()
        address = f"http://{self._server.address}/exec?query="
        (self._scripts / "sql.sh").write_text(f"exec {sys.executable} -c '{ASK}' '{address}' \"$2\"\n")
        script = render(
            "bundles/questdb/backup.sh.j2", root=str(hub.volume), scripts=str(self._scripts), administrator="writer"
        )
        (self._scripts / "backup.sh").write_text(script)

    def make_copy(self) -> None:
        subprocess.run(["bash", self._scripts / "backup.sh"], check=True)

    def running(self) -> bool:
        return self._server.running

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()

    def rows(self, table: str) -> int:
        [[found]] = self.ask(f"SELECT count() FROM '{table}'")
        return int(found)

    def ask(self, statement: str) -> list[list[Any]]:
        return self._server.ask(statement)

    def insert(self, table: str, first: int, rows: int) -> None:
        """Rows, each a second after the one before; they can be read afterwards."""
        [[before]] = self.ask(f"SELECT count() FROM '{table}'")
        self.ask(
            f"INSERT INTO '{table}' SELECT timestamp_sequence({first}000000, 1000000), x + {first}, 'alpaca' "
            f"FROM long_sequence({rows})"
        )
        until(lambda: self.rows(table) == before + rows)


@pytest.fixture
def database(hub: Hub) -> Iterator[Questdb]:
    database = Questdb(hub)
    shutil.rmtree(hub.volume)
    hub.volume.mkdir()
    hub.database = database
    database.start()
    yield database
    if database.running():
        database.stop()


def test_the_manifest_says_what_the_database_says_and_restored_it_has_just_that(hub: Hub, database: Questdb) -> None:
    for table in ("trades", "émpty name", "one"):
        database.ask(TABLE.format(table))
    database.insert("trades", 0, 10_000)
    # Since a restart its log names the table's file of symbols as its own: one file, two names.
    database.stop()
    database.start()
    database.insert("trades", 5_000_000, 1)
    assert any(file.stat().st_nlink > 1 for file in (hub.volume / "db").rglob("wal*/*.v"))
    database.insert("one", 0, 1)
    database.ask("RENAME TABLE one TO other")
    [*transactions] = database.ask("SELECT name, writerTxn FROM wal_tables() ORDER BY name")

    name = hub.send()["name"]
    manifest = tables_of(hub.volume / "backups" / "last" / ".checkpoint" / "db")
    assert {table: copy["rows"] for table, copy in manifest.items()} == {"trades": 10_001, "émpty name": 0, "other": 1}
    assert {table: copy["transaction"] for table, copy in manifest.items()} == dict(transactions)

    database.insert("trades", 9_000_000, 500)
    database.ask("DROP TABLE other")
    restored = hub.restore(name)
    assert restored["tables"] == {"trades": 10_001, "émpty name": 0, "other": 1}
    assert not (hub.volume / "_restore").exists(), "QuestDB has opened the checkpoint"
    # It goes on from there, with numbers that its log had before: why shippers may not keep their marks.
    database.insert("trades", 10_000_000, 1)
    assert dict(database.ask("SELECT name, sequencerTxn FROM wal_tables()"))["trades"] == 3
