"""``fleet cost`` as a whole process, offline: against an import of its libraries, and as the fleet grows."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import yaml

from bench.comparison import Comparison, in_turns

CHECKOUT = Path(__file__).resolve().parents[1]
IMPORTS = ("-c", "import typer, rich")
ROUNDS = 9

HELP_WANTED, COST_WANTED, GROWTH_WANTED = 2.0, 6.0, 11.0
FEW, MANY = 1_000, 10_000
"""Servers of the small and the large fleet: large enough that what is beyond start-up is not noise."""
HOSTS_OF_A_REGION = 10


def compare() -> Iterator[Comparison]:
    """Help and cost against the bare imports; ten times the servers against the tenth of them, both beyond start-up."""
    bare = partial(_seconds, CHECKOUT, *IMPORTS)
    peer = f"python -c '{IMPORTS[1]}'"
    for name, wanted, arguments in (
        ("fleet --help", HELP_WANTED, ("-m", "fleet", "--help")),
        ("fleet cost, all stacks", COST_WANTED, ("-m", "fleet", "cost")),
    ):
        yield Comparison(name, peer, wanted, in_turns(ROUNDS, partial(_seconds, CHECKOUT, *arguments), bare))
    with tempfile.TemporaryDirectory(prefix="fleet-bench-cost-") as folder:
        one, few, many = (fleet_of(Path(folder) / str(count), count) for count in (1, FEW, MANY))
        start = statistics.median(_cost_seconds(one) for _ in range(ROUNDS))
        pairs = in_turns(ROUNDS, partial(_cost_seconds, many), partial(_cost_seconds, few))
        beyond = tuple((large - start, small - start) for large, small in pairs)
        yield Comparison(f"fleet cost, {MANY} servers", f"fleet cost, {FEW} servers", GROWTH_WANTED, beyond)


def _cost_seconds(root: Path) -> float:
    return _seconds(CHECKOUT, "-m", "fleet", "cost", "--json", "--root", str(root))


def _seconds(folder: Path, *arguments: str) -> float:
    """Processor seconds of one whole process: what other programs do meanwhile does not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fleet_of(root: Path, servers: int) -> Path:
    """A fleet's folder of so many servers, in regions of ten."""
    root.mkdir()
    regions = max(1, servers // HOSTS_OF_A_REGION)
    document = yaml.safe_load((CHECKOUT / "fleet.yaml").read_text())
    kept = {key: document[key] for key in ("format_version", "name", "domain", "docker_pool", "deploy_user")}
    listed = {f"r{number}": {"place": "new-jersey", "index": number, "phase": number} for number in range(regions)}
    fleet = {**kept, "hub": "r0", "mesh": {**document["mesh"], "cidr": "10.0.0.0/8"}, "regions": listed}
    _write(root / "fleet.yaml", fleet)
    (root / "images.yaml").write_text((CHECKOUT / "images.yaml").read_text())
    _write(root / "Pulumi.addresses.yaml", {"config": {"fleet:regions": list(listed)}})
    standing = yaml.safe_load((CHECKOUT / "Pulumi.hub.yaml").read_text())["config"]["fleet:hosts"]["main"]
    for region in listed:
        hosts = _hosts(min(servers, HOSTS_OF_A_REGION))
        if region == "r0":
            # What a hub of so many regions needs, no plan of the catalogue has.
            hosts["main"] = {**standing, "memory_gb": 65536}
        _write(root / f"Pulumi.{region}.yaml", {"config": {"fleet:hosts": hosts}})
    return root


def _hosts(count: int) -> dict[str, object]:
    plan = {"provider": "vultr", "location": "ewr", "plan": "vhp-4c-12gb-amd"}
    return {("main" if number == 0 else f"h{number}"): {**plan, "index": number} for number in range(count)}


def _write(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def main(arguments: Sequence[str] = ()) -> int:
    """Run alone: ``python -m bench.cost``."""
    from bench.report import line

    for comparison in compare():
        print(line(comparison), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
