"""Generating the configuration of a mesh, against ``wg-meshconf genconfig``.

Ours does more: it validates the whole plan and gives each pair its own pre-shared key, which wg-meshconf never writes.
Both sides start from a list of nodes and end with a file per node on disk; both are timed inside an interpreter that
has imported what it needs. The peer's database is made beforehand, so that its generation alone counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from bench.comparison import Comparison, in_turns
from wireguard.keys import PlainKeys
from wireguard.plan import Node, plan
from wireguard.render import render_all

ROUNDS = {100: 9, 400: 3}
"""Rounds by number of nodes."""

REPEATS = 10
"""Ours runs so often in a round, and their mean counts: so both sides are on the machine for about as long, and a busy
moment of it does not hit one of them alone."""

WANTED = 0.1

_MEMORY = Path("/dev/shm")
FOLDERS = str(_MEMORY) if _MEMORY.is_dir() else None
"""Where both sides write: in memory where the machine offers that, so that no disk is measured."""

PROGRAM = Path(__file__).parent / "peers" / "meshconf.py"


def compare(peers: Path) -> Iterator[Comparison]:
    """One comparison for each size; ``peers`` is the peers' environment."""
    for size, rounds in ROUNDS.items():
        with _peer(peers, size) as peer:
            _ours(size)
            peer.seconds()
            pairs = in_turns(rounds, partial(_ours_repeated, size), peer.seconds)
        yield Comparison(f"mesh configuration of {size} nodes with pre-shared keys", "wg-meshconf", WANTED, pairs)


def _ours_repeated(size: int) -> float:
    return statistics.mean(_ours(size) for _ in range(REPEATS))


def _ours(size: int) -> float:
    with tempfile.TemporaryDirectory(dir=FOLDERS) as folder:
        start = time.perf_counter()
        mesh = plan(map(_node, range(size)), cidr=IPv4Network("10.77.0.0/16"))
        for name, text in render_all(mesh, PlainKeys(bytes(range(32)))).items():
            _write_private(Path(folder, f"{name}.conf"), text)
        return time.perf_counter() - start


class _Peer:
    """A running interpreter that generates once for each line it is sent, and answers with the seconds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seconds(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"wg-meshconf ended with {self._process.wait()}")
        return float(answer)


@contextmanager
def _peer(environment: Path, size: int) -> Iterator[_Peer]:
    with (
        tempfile.TemporaryDirectory(dir=FOLDERS) as folder,
        subprocess.Popen(
            [str(environment / "bin" / "python"), str(PROGRAM), str(size), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        yield _Peer(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _node(number: int) -> Node:
    host = f"{number // 250}.{number % 250 + 1}"
    return Node(f"n{number}", IPv4Address(f"10.77.{host}"), endpoint=f"198.18.{host}:51820")


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
