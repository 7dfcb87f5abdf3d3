"""``python -m bench``: every benchmark, each a comparison of two ways in one run, and the memory of hosts at work.

Never fails because of a time.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import base_host, cost, deploy, engine_noop, memory, mesh, offline, placement, shipper
from bench.comparison import Comparison, Result
from bench.peer_environment import PeersMissing, peer_environment
from bench.report import line, write_page, write_results
from fleet.engine import EngineError
from fleet.rehearsal.demo import clear_away, rehearse
from fleet.rehearsal.stand import PROJECT, Stand
from lab.errors import LabError
from lab.lab import Lab
from lab.settings import LabHome


def main() -> int:
    """Run all; returns the exit code: 0 done, 1 a benchmark could not be run."""
    started = time.monotonic()
    # A job in a shell's background ignores SIGINT, and so does all that it starts: the engine, which ends its plugins
    # by that signal, would wait 5 s for them in each run.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True)

    try:
        peers = peer_environment(tell)
        done: list[Comparison] = []
        for comparison in (*mesh.compare(peers), *cost.compare(), *placement.compare()):
            done.append(comparison)
            tell(line(comparison))
        alone: list[Result] = []
        for result in (*offline.alone(), *placement.alone()):
            alone.append(result)
            tell(f"{result['name']}: {result['ours']:.3f} {result['unit']}")
        with tempfile.TemporaryDirectory(prefix="fleet-bench-") as folder:
            demo = _in_the_lab(Lab(LabHome(Path(folder))), peers, done, alone, tell)
    except (
        PeersMissing,
        EngineError,
        LabError,
        base_host.PeerFailed,
        deploy.DeployFailed,
        engine_noop.EngineFailed,
        shipper.ShipperFailed,
    ) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    write_results(done, alone, demo)
    write_page(done, alone, demo)
    tell("written: bench/results.json and the tables in docs/benchmarks.md")
    return _memory(tell)


def _memory(tell: base_host.Tell) -> int:
    """The memory of hosts, in a larger lab of its own; returns the exit code."""
    try:
        memory.run(tell)
    except memory.TooLittleMemory as problem:
        tell(f"memory not measured, docs/memory.md stays as it is: {problem}")
    except (memory.MemoryFailed, EngineError, LabError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    return 0


def _in_the_lab(
    lab: Lab, peers: Path, done: list[Comparison], alone: list[Result], tell: base_host.Tell
) -> dict[str, float]:
    """The benchmarks that need servers, in a lab of their own that is gone afterwards; returns the demo's seconds."""
    try:
        # As for a user's second demo: the image is in the cache and in the lab's daemon already.
        tell("a lab for the benchmarks comes up")
        lab.up(lambda text: tell(f"lab: {text}"))
        lab.down()
        outcome = rehearse(lambda stack, text: None, lab)
        if not outcome.ok:
            raise LabError("the demo does not stand: " + "; ".join(outcome.problems))
        for stage, seconds in outcome.seconds.items():
            tell(f"demo, {stage}: {seconds:.1f} s")
        stand = Stand(lab, lab.home.path / PROJECT)
        for comparison in engine_noop.compare(stand):
            done.append(comparison)
            tell(line(comparison))
        market = shipper.market(stand)
        for result in (*shipper.lag(market), *shipper.idle(market)):
            alone.append(result)
            tell(f"{result['name']}: {result['ours']:.3f} {result['unit']}")
        done.append(shipper.catch_up(market))
        tell(line(done[-1]))
        done.append(deploy.compare(lab))
        tell(line(done[-1]))
        findings = base_host.compare(stand, peers)
        for comparison in findings.comparisons:
            done.append(comparison)
            tell(line(comparison))
        for text in base_host.report(findings):
            tell(text)
        return dict(outcome.seconds)
    finally:
        clear_away(lambda stack, text: None, lab)
        lab.forget()


if __name__ == "__main__":
    sys.exit(main())
