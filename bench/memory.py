"""Memory of each host while its stand-ins fill their limits, its Redis is full and its database has worked.

In a lab of its own: the hub, New Jersey and Singapore stand together, since only together they have a cluster; each
further region then stands beside them once Singapore's server is off. ``python -m bench.memory`` runs this alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.memory_page import (
    MB,
    PAGE,
    ContainerMemory,
    HostMemory,
    Usage,
    group_of,
    oom_kills,
    tables,
    usage_of,
    write_page,
)
from bench.shipper import LOAD, TABLE
from fleet.configuration import Configuration, HostRef
from fleet.engine import EngineError, build_engine, installed_engine
from fleet.model.memory import HOST_RESERVE_MB, service_limit_mb, services_of
from fleet.operation import order
from fleet.operation.fleet_up import run_waves
from fleet.operation.run import up
from fleet.redis.keepers import CONTAINER as KEEPER
from fleet.rehearsal.demo import clear_away
from fleet.rehearsal.stand import Stand, prepare
from infra.bundles import questdb, redis
from infra.bundles.host_bundles import bundles_of
from infra.bundles.host_memory import host_memory_mb, redis_memory
from infra.bundles.redis_cluster import cluster_settings
from lab import faults
from lab.errors import LabError
from lab.lab import Lab
from lab.settings import CHECKOUT, LabHome
from rediscluster import plan
from tests.lab.fleet import StandingFleet

Tell = Callable[[str], None]

HUB = "hub"
TOGETHER = (HUB, "nj", "sg")
"""The members of the cluster."""
MAKES_ROOM = "sg"
LATER = ("ldn", "chi", "tyo", "fra")

ROOM_MB = 64
"""What a stand-in is left beside what it fills: itself, with its clients' libraries, and a health check's Python."""
ROWS = 1_000_000
ROWS_TABLE = "bench_memory"
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.5

TEMPLATE = "bundles/services/compose.yaml.j2"
LIMIT_LINE = "    mem_limit: {{ service.memory_mb }}m\n"
GATEWAY = (
    "import http.server, mmap\n"
    "held = mmap.mmap(-1, {megabytes} << 20)\n"
    "for page in range(0, {megabytes} << 20, mmap.PAGESIZE):\n"
    "    held[page] = 1\n"
    "http.server.test(http.server.SimpleHTTPRequestHandler, port={port})\n"
)
"""A broker's gateway process in the lab is no stand-in: it takes connections at its port, and knows no FILL_MB."""

FILL_REDIS = """\
n=0
while :; do
  told=$(redis-cli -p "$1" --user app INFO memory | tr -d '\\r')
  used=$(echo "$told" | sed -n 's/^used_memory://p')
  sent=$(echo "$told" | sed -n 's/^mem_total_replication_buffers://p')
  [ "$((used - sent))" -ge "$3" ] && exit 0
  # Not faster than the replica takes it. WAIT knows the writes of its own connection only.
  said=$(redis-cli -p "$1" --user app 2>&1 <<END
EVAL "for i = 1, 800 do redis.call('SET', KEYS[1] .. i, string.rep('x', 10000)) end return 'done'" 1 "$2:$n:"
WAIT $4 60000
END
)
  case $said in
    *OOM*) exit 0 ;;
    done*) ;;
    *) echo "$said"; exit 1 ;;
  esac
  n=$((n + 1))
done
"""
"""PORT, the keys' beginning, bytes of data to stop at, replicas: 8 MB at a time, until it is refused or there is as
much."""

QUERIES = (
    f"SELECT sym, count(), avg(px), max(id) FROM {ROWS_TABLE}",
    f"SELECT note, sym, id FROM {ROWS_TABLE} ORDER BY px, id DESC LIMIT 5",
    f"SELECT ts, sym, avg(px) FROM {ROWS_TABLE} SAMPLE BY 1s LIMIT 5",
)


class MemoryFailed(Exception):
    """The memory could not be measured, or did not suffice; the text says what happened."""


class TooLittleMemory(MemoryFailed):
    """This machine has less free memory than the hosts that stand together will fill."""


@dataclass(frozen=True)
class Filled:
    """The hosts that were measured, and the names of the others."""

    hosts: tuple[HostMemory, ...]
    unmeasured: tuple[str, ...]


def run(tell: Tell) -> None:
    """Measure in a lab of its own, which is gone afterwards, and write the tables of ``docs/memory.md``.

    Raises:
        TooLittleMemory: nothing was begun.
        MemoryFailed, EngineError, LabError: it did not get to a result; the page stays as it is.
    """
    if installed_engine() is None:
        build_engine(CHECKOUT, tell)
    with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder, tempfile.TemporaryDirectory() as programs:
        lab = Lab(LabHome(Path(folder)))
        try:
            lab.up(tell)
            filled = _measure(prepare(lab, tell, (*TOGETHER, *LATER)), Path(programs), tell)
        finally:
            clear_away(lambda stack, text: None, lab)
            lab.forget()
    write_page(tables(filled.hosts, filled.unmeasured))
    tell(f"written: the measured tables in {PAGE.relative_to(CHECKOUT)}")


def _measure(stand: Stand, programs: Path, tell: Tell) -> Filled:
    configuration = stand.configuration
    _require_memory(configuration)
    fleet = StandingFleet(stand, {}, stand.vault)
    with fleet.with_template(programs, TEMPLATE, LIMIT_LINE, LIMIT_LINE + _filling(configuration)):
        _bring_up(stand, (order.ADDRESSES, *TOGETHER), tell)
        _until(lambda: _cluster_is_whole(stand), "the cluster is whole")
        _write_rows(fleet, tell)
        for region in TOGETHER:
            _fill_local_redis(fleet, region)
            tell(f"{region}: its local Redis is full")
        _fill_cluster(fleet, tell)
        _until(lambda: _cluster_is_whole(stand), "the cluster is whole after it was filled")
        hosts = [_settled(fleet, region, tell) for region in TOGETHER]
        faults.stop_host(stand.lab.home, fleet.server(MAKES_ROOM))
        for region in LATER:
            _bring_up(stand, (region,), tell)
            _fill_local_redis(fleet, region)
            hosts.append(_settled(fleet, region, tell))
            faults.stop_host(stand.lab.home, fleet.server(region))
    measured = {host.region for host in hosts}
    return Filled(tuple(hosts), tuple(name for name in configuration.stacks if name not in measured))


def _filling(configuration: Configuration) -> str:
    """What the template gets more: each stand-in fills its limit but for its own room."""
    ports = {
        venue.sidecar.image: venue.sidecar.port for venue in configuration.venues.by_name.values() if venue.sidecar
    }
    lines = f'    environment: {{FILL_MB: "{{{{ service.memory_mb - {ROOM_MB} }}}}"}}\n'
    for image, port in ports.items():
        program = json.dumps(GATEWAY.replace("{port}", str(port)))
        lines += (
            f'{{% if service.name.startswith("{image}") %}}\n'
            f'    entrypoint: ["python3", "-c", '
            f'{{{{ {program}.replace("{{megabytes}}", (service.memory_mb - {ROOM_MB}) | string) | tojson }}}}]\n'
            "{% endif %}\n"
        )
    return lines


def _require_memory(configuration: Configuration) -> None:
    """Raises TooLittleMemory unless what the hosts that stand together will fill is free here."""
    needed = sum(_filled_mb(configuration, _main(configuration, region)) for region in TOGETHER)
    found = re.search(r"(?m)^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text())
    available = int(found[1]) // 1024 if found else 0
    if available < needed:
        raise TooLittleMemory(
            f"{', '.join(TOGETHER)} with everything filled take some {needed:,} MB, and {available:,} MB are available "
            "on this machine: run it where more is, or end what else runs here"
        )


def _filled_mb(configuration: Configuration, ref: HostRef) -> int:
    """What a host comes to: services' limits, data in Redis, QuestDB's heap, and the host itself."""
    host_mb, bundles = host_memory_mb(configuration, ref), bundles_of(configuration, ref)
    memory = redis_memory(configuration, ref)
    # One process of a broker's own: the default fleet's hosts have no more.
    services = sum(service_limit_mb(host_mb, name) for name in services_of(bundles, int("trading" in bundles)))
    cluster = len(plan(cluster_settings(configuration)).instances_on(ref.id)) * memory.cluster_mb
    stores = memory.local_mb + cluster + questdb.memory_of(host_mb).heap_mb
    return services + stores + HOST_RESERVE_MB


def _main(configuration: Configuration, region: str) -> HostRef:
    return configuration.hosts_of(region)[0]


def _bring_up(stand: Stand, stacks: Sequence[str], tell: Tell) -> None:
    tell(f"up: {', '.join(stacks)}")
    ordered = order.together(order.waves(stand.configuration, stacks))
    runs = run_waves(stand.workspace, ordered, up, lambda stack, text: None)
    errors = [f"{one.stack}: {error}" for one in runs for error in one.errors]
    if errors:
        raise MemoryFailed("the fleet does not stand: " + "; ".join(errors))


def _cluster_is_whole(stand: Stand) -> bool:
    command = [sys.executable, "-m", "fleet", "redis", "status", "--root", str(stand.root)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _write_rows(fleet: StandingFleet, tell: Tell) -> None:
    """A million market rows on the primary; on every host they are read and queried."""
    _on(fleet, HUB, *questdb.statement(questdb.WRITER, TABLE.format(ROWS_TABLE)))
    _on(fleet, HUB, "sh", "-c", f"cat > /tmp/market_load.py <<'END'\n{LOAD.read_text()}\nEND")
    image = _on(fleet, HUB, "docker", "inspect", "--format", "{{.Config.Image}}", KEEPER).strip()
    # In a container of its own, gone afterwards: nothing that is measured has the load's memory in it.
    options = f"--rm --interactive --network fleet --volumes-from {questdb.CONTAINER}:ro --user {questdb.UID}"
    words = f"burst {ROWS_TABLE} {ROWS} {questdb.SERVICE}:9000"
    _on(fleet, HUB, "sh", "-c", f"exec docker run {options} {image} python3 - {words} < /tmp/market_load.py")
    for region in TOGETHER:
        _query(fleet, region)
        tell(f"{region}: {ROWS:,} rows are there and queried")


def _query(fleet: StandingFleet, region: str) -> None:
    counted = questdb.statement(questdb.READER, f"SELECT concat('rows=', count()) FROM {ROWS_TABLE}")
    wanted = f"rows={ROWS}"
    _until(lambda: wanted in fleet.lab.run(fleet.server(region), counted).stdout, f"{region} has {ROWS:,} rows to read")
    for query in QUERIES:
        _on(fleet, region, *questdb.statement(questdb.READER, query))


def _fill_local_redis(fleet: StandingFleet, region: str) -> None:
    memory = redis_memory(fleet.stand.configuration, _main(fleet.stand.configuration, region))
    container = f"{redis.PROJECT}-{redis.LOCAL_SERVICE}-1"
    _fill(fleet, region, container, ("6379", "fill", str(memory.local_mb * MB), "0"))


def _fill_cluster(fleet: StandingFleet, tell: Tell) -> None:
    """Fill each master with keys of its region, and with it its replica."""
    configuration = fleet.stand.configuration
    mains = {_main(configuration, region).id: _main(configuration, region) for region in configuration.stacks}
    for shard in plan(cluster_settings(configuration)).shards:
        home = mains[shard.home.host_id]
        container = f"{redis.PROJECT}-cluster-{shard.home.port}-1"
        size = redis_memory(configuration, home).cluster_mb * MB
        words = (str(shard.home.port), f"{{{shard.region}}}", str(size), "1" if shard.spare else "0")
        _fill(fleet, home.region, container, words)
        tell(f"{shard.region}: its part of the cluster is full")


def _fill(fleet: StandingFleet, region: str, container: str, words: Sequence[str]) -> None:
    vault = fleet.stand.vault
    password = vault.fill(redis.password_reference("app", vault))
    environment = ("--env", f"REDISCLI_AUTH={password}", "--env", "REDISCLI_NO_AUTH_WARNING=1")
    _on(fleet, region, "docker", "exec", *environment, container, "sh", "-c", FILL_REDIS, "fill", *words)


def _settled(fleet: StandingFleet, region: str, tell: Tell) -> HostMemory:
    """A host's memory once everything on it is healthy.

    Raises:
        MemoryFailed: a process of it was ended for memory, or a container was started again.
    """
    if "questdb" in bundles_of(fleet.stand.configuration, _main(fleet.stand.configuration, region)):
        _query(fleet, region)
    _until(lambda: all(_is_well(one) for one in _containers(fleet, region)), f"everything on {region} is healthy")
    tree = Path("/sys/fs/cgroup/memory")
    is_first = fleet.lab.run(fleet.server(region), ["test", "-e", f"{tree}/memory.stat"]).code == 0
    groups = Groups(fleet, region, tree if is_first else tree.parent, is_first)
    found = _containers(fleet, region)
    own = tuple(
        ContainerMemory(
            one["Config"]["Labels"]["com.docker.compose.service"],
            one["HostConfig"]["Memory"],
            groups.usage(groups.of(one["State"]["Pid"])),
        )
        for one in found
        if one["Name"].startswith("/fleet-")
    )
    # systemd puts itself below the group that is the server's.
    server = groups.of(1).removesuffix("/init.scope")
    host = HostMemory(
        region,
        host_memory_mb(fleet.stand.configuration, _main(fleet.stand.configuration, region)),
        groups.limit(server),
        groups.usage(server),
        own,
    )
    again = [one["Name"].strip("/") for one in found if one["RestartCount"] or one["State"]["OOMKilled"]]
    if (ended := groups.oom_kills(server)) or again:
        raise MemoryFailed(
            f"{region}: the kernel ended {ended} processes for memory, started again: {', '.join(again) or 'none'}; "
            + json.dumps([[one.name, one.usage.taken // MB, one.limit // MB] for one in own])
        )
    tell(
        f"{region}: {host.usage.taken // MB:,} MB taken, {host.usage.file_cache // MB:,} MB file cache, "
        f"{host.left_mb:,} MB left of {host.plan_mb:,}; nothing was ended for memory"
    )
    return host


@dataclass(frozen=True)
class Groups:
    """The control groups of a host, as it sees them itself."""

    fleet: StandingFleet
    region: str
    tree: Path
    is_first: bool
    """Version 1."""

    def of(self, process: int) -> str:
        """The group of a process of the host."""
        return group_of(_on(self.fleet, self.region, "cat", f"/proc/{process}/cgroup"))

    def usage(self, group: str) -> Usage:
        """What a group and all below it use."""
        current = self._read(group, "memory.usage_in_bytes" if self.is_first else "memory.current")
        return usage_of(self._read(group, "memory.stat"), current)

    def limit(self, group: str) -> int:
        """Its limit, bytes."""
        return int(self._read(group, "memory.limit_in_bytes" if self.is_first else "memory.max"))

    def oom_kills(self, group: str) -> int:
        """Processes that were ended in a group and below it. Version 1 counts each group alone, 2 all below too."""
        if not self.is_first:
            return oom_kills(self._read(group, "memory.events"))
        below = ("find", f"{self.tree}{group}", "-name", "memory.oom_control", "-exec", "cat", "{}", "+")
        return oom_kills(_on(self.fleet, self.region, *below))

    def _read(self, group: str, name: str) -> str:
        return _on(self.fleet, self.region, "cat", f"{self.tree}{group}/{name}")


def _containers(fleet: StandingFleet, region: str) -> list[dict[str, Any]]:
    """What Docker knows of each container of a host, by name."""
    listed = _on(fleet, region, "docker", "ps", "--all", "--format", "{{.Names}}").split()
    found: list[dict[str, Any]] = json.loads(_on(fleet, region, "docker", "inspect", *sorted(listed)))
    return found


def _is_well(container: dict[str, Any]) -> bool:
    state = container["State"]
    return bool(state["Running"]) and state.get("Health", {"Status": "healthy"})["Status"] == "healthy"


def _on(fleet: StandingFleet, region: str, *argv: str) -> str:
    """Standard output of a command on a region's host, which must succeed."""
    done = fleet.lab.run(fleet.server(region), argv)
    if done.code:
        said = (done.stdout + done.stderr).strip()[-600:]
        raise MemoryFailed(f"{region}: {' '.join(argv)[:120]}: exit {done.code}: {said}")
    return done.stdout


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise MemoryFailed(f"within {PATIENCE_SECONDS:.0f} s it did not come to pass that {what}")
        time.sleep(LOOK_SECONDS)


def main() -> int:
    """Run this benchmark alone; returns the exit code: 0 written, 1 it could not be run."""
    started = time.monotonic()
    try:
        run(lambda text: print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True))
    except (MemoryFailed, EngineError, LabError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
