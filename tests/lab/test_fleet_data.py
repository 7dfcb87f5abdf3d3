"""Market data across the fleet: written on the hub, read in every region, whatever stops on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.bundles import questdb
from lab import faults
from tests.lab.fleet import StandingFleet

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

PROGRAM = Path(__file__).with_name("market.py")
QUESTDB = questdb.CONTAINER
SHIPPER = questdb.shipper_container("nj")
TRADING = "fleet-trading-trading-service-1"
CLIENT = Path(__file__).with_name("replica_client.py")
BESIDE = "fleet-questdb-shipper-tyo-1"
"""A container on the hub that is spared all faults: from it the tests write and compare."""

ROWS = 1_000_000
TRADES = (
    "CREATE TABLE {} (ts TIMESTAMP, sym SYMBOL, id LONG, px DOUBLE, note VARCHAR) TIMESTAMP(ts) PARTITION BY HOUR WAL "
    "DEDUP UPSERT KEYS(ts, sym, id)"
)


@pytest.fixture(scope="module")
def market(fleet: StandingFleet) -> Market:
    return Market(fleet)


class Market:
    """The fleet as a trader's programs meet it."""

    def __init__(self, fleet: StandingFleet) -> None:
        self.fleet = fleet
        fleet.lab.run("hub", ["sh", "-c", f"cat > /tmp/market.py <<'END'\n{PROGRAM.read_text()}\nEND"])

    def program(self, *words: str) -> str:
        """Run the test's program beside the primary."""
        shell = 'exec docker exec --interactive "$0" python3 - "$@" < /tmp/market.py'
        return self.fleet.on("hub", "sh", "-c", shell, BESIDE, *words)

    def begin(self, *words: str) -> None:
        """Start the test's program and come back; ``begun`` tells how far it is."""
        # The file is there, and empty, before the program starts: a look at it may come first.
        beside = 'setsid docker exec --interactive "$0" python3 - "$@" < /tmp/market.py >> /tmp/written 2>&1 &'
        shell = f": > /tmp/written; {beside}"
        self.fleet.on("hub", "sh", "-c", shell, BESIDE, *words)

    def begun(self) -> int:
        """Rows that the primary has acknowledged."""
        last = self.fleet.on("hub", "tail", "-n", "1", "/tmp/written").strip() or "0"
        assert last.isdigit(), last
        return int(last)

    def kill(self, host: str, container: str) -> None:
        """kill -9 of a container's first process, from outside of Docker: Docker then starts it again."""
        process = self.fleet.on(host, "docker", "inspect", "--format", "{{.State.Pid}}", container).strip()
        self.fleet.on(host, "kill", "-9", process)

    def primary(self, statement: str) -> Any:
        answer = json.loads(self.program("sql", "questdb:9000", statement))
        assert "error" not in answer, answer
        return answer.get("dataset")

    def on_replica(self, host: str, statement: str) -> tuple[int, str]:
        """A statement on a replica, as the reader over the SQL port: what a region's services can do."""
        done = self.fleet.lab.run(self.fleet.server(host), questdb.statement(questdb.READER, statement))
        return done.code, done.stdout

    def digest(self, table: str, address: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.program("digest", table, address))
        return found

    def replica_address(self, host: str) -> str:
        return f"{self.fleet.mesh_address(host)}:9000"

    def metrics(self, replica: str) -> str:
        """As what scrapes them reads them: a container on the hub, as ``BESIDE`` is."""
        scrape = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())"
        address = f"http://shipper-{replica}:9101/metrics"
        return self.fleet.on("hub", "docker", "exec", BESIDE, "python3", "-c", scrape, address)

    def shipper(self, *words: str) -> str:
        argv = ("docker", "exec", SHIPPER, "python3", "-B", "-m", "shipper", *words)
        return self.fleet.on("hub", *argv)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.shipper("status", "/etc/shipper/config.json"))
        return found


def test_a_row_written_on_the_hub_is_read_in_new_jersey_and_singapore(market: Market, eventually: Eventually) -> None:
    market.primary(TRADES.format("first"))
    market.primary("INSERT INTO first VALUES (now(), 'BTC', 1, 2.5, 'a row')")
    for host in ("nj", "sg"):
        eventually(lambda host=host: "a row" in market.on_replica(host, "SELECT note FROM first")[1])
    assert 'questdb_replica_txn_lag{replica="nj",table="first"} 0' in market.metrics("nj")


def test_nothing_can_be_written_on_a_replica_by_any_port_that_a_client_reaches(market: Market) -> None:
    for statement in (
        "INSERT INTO first VALUES (now(), 'X', 9, 9.0, 'x')",
        "DROP TABLE first",
        "CREATE TABLE x (a INT)",
    ):
        code, said = market.on_replica("nj", statement)
        assert code != 0
        assert "Write permission denied" in said
    # Other hosts reach the SQL port and the metrics, not the port that writes; that one is the hub's alone.
    address = market.fleet.mesh_address("nj")
    probe = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    for port, reachable in (("8812", True), ("9003", True), ("9000", False), ("9009", False)):
        done = market.fleet.lab.run(market.fleet.server("sg"), ["python3", "-c", probe, address, port])
        assert (done.code == 0) is reachable, port
    # On the hub it is open, and wants a login that services do not have.
    hub = "import sys,urllib.request; urllib.request.urlopen(sys.argv[1], data=b'first id=1i', timeout=5)"
    done = market.fleet.lab.run("hub", ["python3", "-c", hub, f"http://{address}:9000/write"])
    assert "401" in done.stderr


def test_a_service_of_the_region_reads_its_replica_and_writes_by_no_way_and_no_login_that_it_holds(
    market: Market,
) -> None:
    """It holds the writer's login, for the primary on the hub."""
    market.fleet.on("nj", "sh", "-c", f"cat > /tmp/client.py <<'END'\n{CLIENT.read_text()}\nEND")
    shell = 'exec docker exec --interactive "$0" python3 - "$@" < /tmp/client.py'
    found = json.loads(
        market.fleet.on("nj", "sh", "-c", shell, TRADING, questdb.SERVICE, market.fleet.mesh_address("nj"))
    )
    assert set(found["reads"].values()) == {"done"}
    assert {attempt for attempt, came in found["writes"].items() if came == "done"} == set()
    # The reader's statements were judged, not merely its connection; the writer is nobody here.
    said = found["writes"]
    assert all("Write permission denied" in came for attempt, came in said.items() if " SQL reader " in attempt)
    assert all("invalid username/password" in came for attempt, came in said.items() if " SQL writer " in attempt)


def test_shipper_replica_primary_and_mesh_fail_within_a_million_rows_and_no_row_is_missing(
    market: Market, eventually: Eventually
) -> None:
    market.primary(TRADES.format("trades"))
    home = market.fleet.lab.home
    market.begin("write", "trades", str(ROWS), "7")

    def acknowledged(wanted: int) -> None:
        eventually(lambda: market.begun() >= wanted)

    acknowledged(100_000)
    market.kill("hub", SHIPPER)
    acknowledged(300_000)
    market.kill("nj", QUESTDB)
    acknowledged(450_000)
    faults.cut(home, "hub", "nj")
    acknowledged(600_000)
    faults.mend(home, "hub", "nj")
    acknowledged(750_000)
    market.kill("hub", QUESTDB)
    acknowledged(ROWS)

    def caught_up() -> bool:
        tables = market.status()["tables"]
        [[visible]] = market.primary("SELECT writerTxn FROM wal_tables() WHERE name = 'trades'")
        [[written]] = market.primary("SELECT sequencerTxn FROM wal_tables() WHERE name = 'trades'")
        return visible == written and tables.get("trades", {}).get("transactions_behind") == 0

    eventually(caught_up)
    eventually(lambda: market.digest("trades", market.replica_address("nj")) == market.digest("trades", "questdb:9000"))
    # And both hold what the writer wrote: each row that was acknowledged, with the last price it was given.
    held = json.loads(market.program("check", "trades", str(ROWS), "7", "questdb:9000"))
    assert held == {"written": held["written"], "rows": held["written"], "missing": 0, "different": 0}
    assert held["written"] > 0.85 * ROWS
    assert market.status()["needs_resync"] == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE {} DROP COLUMN note", "a column was dropped"),
        (f"DROP TABLE {{}}; {TRADES}", "dropped"),
        ("UPDATE {} SET px = 0 WHERE id = 1", "UPDATE"),
        ("TRUNCATE TABLE {}", "TRUNCATE"),
    ],
    ids=["dropped column", "dropped and made again", "update", "truncate"],
)
def test_what_cannot_be_followed_is_said_and_mended_by_a_command(
    market: Market, eventually: Eventually, change: str, reason: str
) -> None:
    table = f"odd_{abs(hash(change)) % 10_000}"
    market.primary(TRADES.format(table))
    market.primary(f"INSERT INTO {table} VALUES ('2024-01-01T00:00:00Z', 'BTC', 1, 2.5, 'kept')")
    eventually(lambda: "kept" in market.on_replica("nj", f"SELECT note FROM {table}")[1])

    for statement in change.split("; "):
        market.primary(statement.format(table))
    eventually(lambda: reason in market.status()["needs_resync"].get(table, ""))
    assert "kept" in market.on_replica("nj", f"SELECT note FROM {table}")[1], (
        "what is there stays, and is said to be old"
    )

    told = market.fleet.command("db", "status")
    assert told.returncode == 1
    command = f"fleet db resync nj {table}"
    assert f"nj: {table}: " in told.stdout
    assert f"Mend it: {command}" in told.stdout
    assert f'questdb_replica_needs_resync{{replica="nj",table="{table}"}} 1' in market.metrics("nj")
    assert market.fleet.command(*command.split()[1:]).returncode == 0
    eventually(lambda: table not in market.status()["needs_resync"])
    eventually(lambda: market.digest(table, market.replica_address("nj")) == market.digest(table, "questdb:9000"))


EVERY_TYPE = """
CREATE TABLE every_type (
    ts TIMESTAMP, id LONG, sym SYMBOL, b BOOLEAN, by BYTE, sh SHORT, i INT, f FLOAT, d DOUBLE,
    ch CHAR, s STRING, v VARCHAR, da DATE, u UUID, l256 LONG256, ip IPv4, g GEOHASH(5c), ns TIMESTAMP_NS, t2 TIMESTAMP
) TIMESTAMP(ts) PARTITION BY DAY WAL DEDUP UPSERT KEYS(ts, id)
"""
NO_MORE = ", null" * 10
VALUES = (
    "'a b,=', true, -128, -32768, -2147483647, 3.4028234e38, 0.1, '~', 'x y', 'quote \" backslash \\ line\nend é', "
    "'1969-12-31T23:59:59.999Z', '11111111-1111-1111-1111-111111111111', '0x1234abcd', '255.1.2.3', #u33d8, "
    "'2024-01-01T00:00:00.123456789Z', '1960-01-01T00:00:00.000001Z'",
    "'', false, 127, 32767, 2147483647, -1e-38, -0.0, 'x', '', ''" + ", null" * 7,
    "null, false, 0, 0, null, null, null" + NO_MORE,
    "null, false, 0, 0, 1, 1.1, 1e22" + NO_MORE,
    "null, false, 0, 0, 1, 1.2e-38, 2.2250738585072014e-308" + NO_MORE,
    "null, false, 0, 0, 1, 0.1, 1.7976931348623157e308" + NO_MORE,
)


def test_every_type_arrives_as_it_was(market: Market, eventually: Eventually) -> None:
    market.primary(EVERY_TYPE)
    for number, values in enumerate(VALUES):
        market.primary(f"INSERT INTO every_type VALUES ('2024-01-01T00:00:0{number}.000001Z', {number}, {values})")
    everything = "SELECT * FROM every_type ORDER BY id"
    written = market.primary(everything)
    assert len(written) == len(VALUES)
    assert written[0][11] == 'quote " backslash \\ line\nend é'
    assert written[4][8] == 2.2250738585072014e-308

    def read() -> object:
        return json.loads(market.program("sql", market.replica_address("nj"), everything)).get("dataset")

    eventually(lambda: read() == written)


def test_a_column_that_cannot_be_shipped_unchanged_is_said(market: Market, eventually: Eventually) -> None:
    market.primary(
        "CREATE TABLE odd_type (ts TIMESTAMP, id LONG, book DOUBLE[]) TIMESTAMP(ts) PARTITION BY DAY WAL "
        "DEDUP UPSERT KEYS(ts, id)"
    )
    eventually(lambda: "book DOUBLE[]" in market.status()["needs_resync"].get("odd_type", ""))


def test_an_added_column_arrives_by_itself(market: Market, eventually: Eventually) -> None:
    market.primary(TRADES.format("wider"))
    market.primary("INSERT INTO wider VALUES (now(), 'BTC', 1, 2.5, 'before')")
    market.primary("ALTER TABLE wider ADD COLUMN venue VARCHAR")
    market.primary("INSERT INTO wider VALUES (now(), 'BTC', 2, 2.5, 'after', 'kraken')")
    eventually(lambda: "kraken" in market.on_replica("nj", "SELECT venue FROM wider")[1])


def test_a_replica_whose_disk_was_lost_is_filled_again(market: Market, eventually: Eventually) -> None:
    market.fleet.on("sg", "docker", "compose", "--project-name", "fleet-questdb", "down", "--volumes")
    market.fleet.refresh("sg")
    market.fleet.up("sg")
    eventually(lambda: "kraken" in market.on_replica("sg", "SELECT venue FROM wider")[1])


def test_every_table_of_a_replica_is_copied_anew_by_one_command(market: Market, eventually: Eventually) -> None:
    listed = "SELECT table_name, directoryName FROM tables() WHERE table_name IN ('first', 'wider')"
    address = market.replica_address("nj")

    def directories() -> dict[str, str]:
        return dict(json.loads(market.program("sql", address, listed))["dataset"])

    before = directories()
    assert set(before) == {"first", "wider"}
    assert market.fleet.command("db", "bootstrap", "nj").returncode == 0
    eventually(lambda: set(directories()) == set(before) and not set(directories().items()) & set(before.items()))
    for table in before:
        eventually(lambda table=table: market.digest(table, address) == market.digest(table, "questdb:9000"))
    replicas = json.loads(market.fleet.command("db", "status", "--json").stdout)["replicas"]
    [needs] = [replica["needs_resync"] for replica in replicas if replica["host"] == "nj"]
    assert set(needs) == {"odd_type"}, "what cannot be shipped stays so"
