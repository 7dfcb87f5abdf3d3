"""The shipper between the hub and New Jersey of a standing lab: lag, catch-up, and what it costs when nothing happens.

The lag is the shipper's own measure, from a transaction's commit on the primary to the replica's acknowledgement; both
times are of the hub's clock. Catching up is compared with the same rows sent to the same replica by the same
protocol from the same host; the shipper's process is held meanwhile, so that its rate is measured and not the start of
its container.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.comparison import Comparison, Result
from fleet.rehearsal.stand import Stand
from infra.bundles import questdb

HUB, REPLICA = "hub", "nj"
RATE, STEADY_SECONDS = 20_000, 30
BURST_ROWS = 1_000_000
IDLE_TABLES, IDLE_SECONDS = 50, 30
CATCH_UP_WANTED = 2.0
"""At least half the rate of direct ingestion: at most twice its time."""
ROUNDS = 3
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.2

ON_THE_HUB = "/tmp/market_load.py"
LOAD = Path(__file__).parent / "peers" / "market_load.py"
SHIPPER = questdb.shipper_container(REPLICA)
TABLE = (
    "CREATE TABLE {} (ts TIMESTAMP, sym SYMBOL, id LONG, px DOUBLE, note VARCHAR) TIMESTAMP(ts) PARTITION BY HOUR WAL "
    "DEDUP UPSERT KEYS(ts, sym, id)"
)


class ShipperFailed(Exception):
    """Something of the shipper's benchmark went wrong; the text says what."""


@dataclass(frozen=True)
class Market:
    """The hub of the standing lab, and the container on it that the load runs in."""

    stand: Stand
    beside: str
    replica: str
    """host:port of the replica's HTTP server"""

    def hub(self, *argv: str) -> str:
        """Standard output of a command on the hub."""
        done = self.stand.lab.run(HUB, argv)
        if done.code:
            raise ShipperFailed(f"{' '.join(argv)[:200]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()

    def load(self, *words: str) -> str:
        """What the load's program prints; the containers' root is read-only, so it comes by standard input."""
        shell = f'exec docker exec --interactive "$0" python3 - "$@" < {ON_THE_HUB}'
        return self.hub("sh", "-c", shell, self.beside, *words)

    def ask(self, address: str, *statements: str) -> list[dict[str, object]]:
        """What a server answers to each statement."""
        return [json.loads(answer) for answer in self.load("sql", address, *statements).splitlines()]

    def sql(self, address: str, *statements: str) -> None:
        """Statements on a server, all of which must succeed."""
        for said in self.ask(address, *statements):
            if "error" in said:
                raise ShipperFailed(str(said["error"]))

    def status(self) -> dict[str, object]:
        """What the replica's shipper tells of itself."""
        argv = ("docker", "exec", SHIPPER, "python3", "-B", "-m", "shipper", "status", "/etc/shipper/config.json")
        found: dict[str, object] = json.loads(self.hub(*argv))
        return found

    def on_replica(self, table: str) -> int:
        """Rows of a table that can be read on the replica; -1 before there is one."""
        [said] = self.ask(self.replica, f"SELECT count() FROM {table}")
        match said.get("dataset"):
            case [[int(rows)]]:
                return rows
            case _:
                return -1

    def cpu_seconds(self, container: str) -> float:
        """Processor time that a container on the hub has used."""
        return int(self.hub("sh", "-c", _CPU_NANOSECONDS, container)) / 1e9


_CPU_NANOSECONDS = """\
pid=$(docker inspect --format '{{.State.Pid}}' "$0")
path=$(sed -n 's/^[0-9]*:[a-z,]*cpuacct[a-z,]*://p' "/proc/$pid/cgroup")
cat "/sys/fs/cgroup/cpuacct$path/cpuacct.usage" 2>/dev/null || cat "/sys/fs/cgroup/cpu,cpuacct$path/cpuacct.usage"
"""


def market(stand: Stand) -> Market:
    """The hub of a standing lab, ready for the load.

    Raises:
        ShipperFailed: there is no container that the load can run in.
    """
    address = next(host.ref.mesh_address for host in stand.hosts() if host.ref.id == REPLICA)
    found = Market(stand, SHIPPER, f"{address}:9000")
    containers = found.hub("docker", "ps", "--format", "{{.Names}}").splitlines()
    spared = next((name for name in sorted(containers) if "shipper" in name and name != SHIPPER), None)
    if spared is None:
        raise ShipperFailed(f"no shipper but {SHIPPER} runs on the hub")
    found.hub("sh", "-c", f"cat > {ON_THE_HUB} <<'END'\n{LOAD.read_text()}\nEND")
    return Market(stand, spared, found.replica)


def lag(market: Market) -> Iterator[Result]:
    """p50 and p99 of the lag while rows flow at a fixed rate."""
    market.sql("questdb:9000", TABLE.format("bench_steady"))
    _until(lambda: market.on_replica("bench_steady") == 0, "the table comes to the replica")
    # Only lags of this load: a shipper that was just started has none.
    market.hub("docker", "restart", SHIPPER)
    _until(lambda: market.status()["state"] == "following", "the shipper follows again")
    rows, late = market.load("steady", "bench_steady", str(RATE), str(STEADY_SECONDS)).split()
    _until(lambda: market.on_replica("bench_steady") == int(rows), "every row is on the replica")
    facts = market.status()
    for quantile in ("p50", "p99"):
        value = facts[f"lag_{quantile}_seconds"]
        if not isinstance(value, float):
            raise ShipperFailed(f"the shipper tells no {quantile} of its lag")
        name = f"shipper, {RATE:,} rows/s: lag {quantile}, commit to acknowledgement (last batch {late} s late)"
        yield Result(name=name, ours=round(value, 4), peer=None, ratio=None, unit="s")


def catch_up(market: Market) -> Comparison:
    """As many rows as wait on the primary, shipped after the shipper was held, against the same rows sent directly."""
    pairs = [(_shipped(market, f"bench_behind_{number}"), _direct(market, number)) for number in range(ROUNDS)]
    name = f"catching up with {BURST_ROWS:,} rows"
    return Comparison(name, "the same rows sent to the replica directly", CATCH_UP_WANTED, tuple(pairs))


def _shipped(market: Market, table: str) -> float:
    market.sql("questdb:9000", TABLE.format(table))
    _until(lambda: market.on_replica(table) == 0, "the table comes to the replica")
    market.hub("docker", "pause", SHIPPER)
    market.load("burst", table, str(BURST_ROWS), "questdb:9000")
    begin = time.monotonic()
    market.hub("docker", "unpause", SHIPPER)
    _until(lambda: market.on_replica(table) == BURST_ROWS, f"{table} is on the replica")
    return time.monotonic() - begin


def _direct(market: Market, number: int) -> float:
    table = f"bench_direct_{number}"
    market.sql(market.replica, TABLE.format(table))
    begin = time.monotonic()
    market.load("burst", table, str(BURST_ROWS), market.replica)
    _until(lambda: market.on_replica(table) == BURST_ROWS, f"{table} can be read")
    return time.monotonic() - begin


def idle(market: Market) -> Iterator[Result]:
    """Processor time of the shipper, and of the primary that it asks, while nothing is written to many tables."""
    names = [f"bench_idle_{number}" for number in range(IDLE_TABLES)]
    rows = (f"INSERT INTO {name} VALUES (now(), 'A', 1, 1.0, '')" for name in names)
    market.sql("questdb:9000", *(TABLE.format(name) for name in names), *rows)
    _until(lambda: all(market.on_replica(name) == 1 for name in (names[0], names[-1])), "the tables are shipped")
    with_it = _shares(market)
    market.hub("docker", "stop", SHIPPER)
    without = _shares(market)
    market.hub("docker", "start", SHIPPER)
    asked = with_it[questdb.CONTAINER] - without[questdb.CONTAINER]
    tables = f"{IDLE_TABLES} idle tables"
    unit = "% of a core"
    yield Result(name=f"shipper, {tables}", ours=round(with_it[SHIPPER], 2), peer=None, ratio=None, unit=unit)
    name = f"its primary, {tables}, more with it than without"
    yield Result(name=name, ours=round(asked, 2), peer=None, ratio=None, unit=unit)


def _shares(market: Market) -> dict[str, float]:
    """Percent of a core that shipper and primary use over a while; 0 for a container that is stopped."""
    running = market.hub("docker", "ps", "--format", "{{.Names}}").splitlines()
    asked = [name for name in (SHIPPER, questdb.CONTAINER) if name in running]
    begin, before = time.monotonic(), {name: market.cpu_seconds(name) for name in asked}
    time.sleep(IDLE_SECONDS)
    spent = {name: market.cpu_seconds(name) - before[name] for name in asked}
    seconds = time.monotonic() - begin
    return {name: 100 * spent.get(name, 0.0) / seconds for name in (SHIPPER, questdb.CONTAINER)}


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise ShipperFailed(f"within {PATIENCE_SECONDS:.0f} s it did not come to pass that {what}")
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Run this benchmark alone, in a lab of its own."""
    import tempfile

    from bench.report import line
    from fleet.rehearsal.demo import clear_away, rehearse
    from fleet.rehearsal.stand import PROJECT
    from lab.lab import Lab
    from lab.settings import LabHome

    with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder:
        lab = Lab(LabHome(Path(folder)))
        try:
            rehearse(lambda stack, text: None, lab)
            found = market(Stand(lab, lab.home.path / PROJECT))
            for result in (*lag(found), *idle(found)):
                print(f"{result['name']}: {result['ours']} {result['unit']}", flush=True)
            print(line(catch_up(found)), flush=True)
        finally:
            clear_away(lambda stack, text: None, lab)
            lab.forget()


if __name__ == "__main__":
    main()
