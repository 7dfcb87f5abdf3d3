"""Generating the configuration of a mesh, against ``wg-meshconf genconfig``.

Ours does more: it validates the whole plan and gives each pair its own pre-shared key, which wg-meshconf never writes.
Both sides start from a list of nodes and end with a file per node on disk; both are timed inside a running interpreter.
The peer's database is made beforehand, so that its generation alone counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypedDict

from wireguard.keys import PlainKeys
from wireguard.plan import Node, plan
from wireguard.render import render_all

SIZES = (100, 400)
"""Numbers of nodes; the aim at both is a ratio of at most 0.1."""

ROUNDS = 5
"""The fastest of so many rounds counts: the others tell what else the machine was doing."""

_PEER = """
import contextlib, csv, io, pathlib, shutil, sys, time
from wg_meshconf.database_manager import KEY_TYPE, DatabaseManager
from wg_meshconf.wireguard import WireGuard
nodes, rounds, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
keys = WireGuard()
with (folder / "database.csv").open("w", newline="") as file:
    writer = csv.DictWriter(file, KEY_TYPE.keys(), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for n in range(nodes):
        writer.writerow({
            "Name": f"n{n}", "Address": f"10.77.{n // 250}.{n % 250 + 1}/32", "ListenPort": "51820", "MTU": "1420",
            "Endpoint": f"198.18.{n // 250}.{n % 250 + 1}", "PersistentKeepalive": "25", "PrivateKey": keys.genkey(),
        })
seconds = []
for _ in range(rounds):
    shutil.rmtree(folder / "out", ignore_errors=True)
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        DatabaseManager(folder / "database.csv").genconfig(None, folder / "out")
    seconds.append(time.perf_counter() - start)
written = list((folder / "out").iterdir())
assert len(written) == nodes and all(file.read_text().count("[Peer]") == nodes - 1 for file in written)
print(min(seconds))
"""


class Result(TypedDict):
    """One row of the benchmarks' results."""

    name: str
    ours: float
    peer: float
    ratio: float
    unit: str


def measure(results: list[Result], peer_python: Path) -> None:
    """Append one row for each size.

    Args:
        results: rows of all benchmarks of this run.
        peer_python: the interpreter of an environment that has the package wg-meshconf.

    Raises:
        RuntimeError: wg-meshconf failed there; holds what it said.
    """
    for size in SIZES:
        ours, peer = _ours(size), _peer(size, peer_python)
        results.append(
            Result(
                name=f"mesh configuration, {size} nodes, against wg-meshconf",
                ours=round(ours * 1000, 1),
                peer=round(peer * 1000, 1),
                ratio=round(ours / peer, 4),
                unit="ms",
            )
        )


def _ours(size: int) -> float:
    master = bytes(range(32))
    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            mesh = plan(map(_node, range(size)), cidr=IPv4Network("10.77.0.0/16"))
            for name, text in render_all(mesh, PlainKeys(master)).items():
                _write_private(Path(folder, f"{name}.conf"), text)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def _peer(size: int, python: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), "-c", _PEER, str(size), str(ROUNDS), folder]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"wg-meshconf failed: {result.stderr.strip()}")
    return float(result.stdout)


def _node(number: int) -> Node:
    host = f"{number // 250}.{number % 250 + 1}"
    return Node(f"n{number}", IPv4Address(f"10.77.{host}"), endpoint=f"198.18.{host}:51820")


def _write_private(path: Path, text: str) -> None:
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)


if __name__ == "__main__":
    rows: list[Result] = []
    measure(rows, Path(sys.argv[1]))
    for row in rows:
        print(row)
