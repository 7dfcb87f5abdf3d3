"""The answers that ask nobody, as a person waits for them: seconds by the clock of whole processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.comparison import Result
from bench.cost import CHECKOUT, fleet_of

ROUNDS = 5
ANSWERS = (
    ("fleet validate", 1.0),
    ("fleet cost", 0.7),
    ("fleet cost --alternatives", 1.0),
    ("fleet cost --compare-spec", 1.0),
    ("fleet place", 1.0),
    ("fleet map {folder}/fleet.svg", 1.0),
    ("fleet roi", 1.0),
)
"""Commands on the checkout's own fleet, and the seconds that they are meant to take."""
SERVERS, SERVERS_AIM = 1_000, 2.0


def alone() -> Iterator[Result]:
    """Each answer, with its aim in the name."""
    with tempfile.TemporaryDirectory(prefix="fleet-bench-offline-") as name:
        folder = Path(name)
        for command, aim in ANSWERS:
            words = command.format(folder=folder).split()[1:]
            yield _result(command.removesuffix(" {folder}/fleet.svg"), aim, words)
        root = fleet_of(folder / "many", SERVERS)
        yield _result(f"fleet cost of {SERVERS:,} servers", SERVERS_AIM, ["cost", "--root", str(root)])


def _result(name: str, aim: float, words: list[str]) -> Result:
    seconds = round(statistics.median(_seconds(words) for _ in range(ROUNDS)), 4)
    return Result(
        name=f"{name}, whole process by the clock (aim {aim:g} s)", ours=seconds, peer=None, ratio=None, unit="s"
    )


def _seconds(words: list[str]) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "fleet", *words], cwd=CHECKOUT, check=True, capture_output=True)
    return time.monotonic() - began


def main() -> int:
    """Run alone: ``python -m bench.offline``."""
    for result in alone():
        print(f"{result['name']}: {result['ours']:.3f} {result['unit']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
