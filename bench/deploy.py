"""The deploy of a bundle whose images are on the host, against bare ``docker compose up --detach --wait``.

The same services with the same health checks on the same server, over the same ssh connection; every round changes all
of them, so that both ways stop and start as many containers. Ours also uploads the release, asks for space and ports,
has Compose read the file, judges by the gate and promotes; the time for which the gate has to watch what runs is its
purpose and is taken off.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace

import yaml

from bench.comparison import Comparison, in_turns
from hosts import Argv, Connection, Gate, Release, ReleaseFile, deploy
from lab.lab import Lab
from lab.machines import Machines
from tests.lab.servers.bundle_host import BundleHost, bundle_host

ROUNDS = 5
WANTED = 1.5
SERVICES = 4
SETTLE_SECONDS = 2.0
SERVER = "bench-deploy"
FOLDER = "/root/bare"


class DeployFailed(Exception):
    """The bare way failed; ours raises its own errors."""


def compare(lab: Lab) -> Comparison:
    """Both ways on a server made for it, which is gone afterwards."""
    machines = Machines(lab.home)
    host = bundle_host(lab, machines, SERVER)
    try:
        with host.connect() as connection:
            ours, bare = _ours(host, connection), _bare(host, connection)
            ours()
            bare()
            return Comparison(
                f"deploy of a bundle of {SERVICES} services, images present",
                "bare compose up --wait",
                WANTED,
                in_turns(ROUNDS, ours, bare),
            )
    finally:
        host.close()
        machines.destroy(SERVER)


def _compose(host: BundleHost, round: int) -> str:
    service = {
        "image": host.image(),
        "init": True,
        "command": ["sleep", "100000"],
        "environment": {"ROUND": str(round)},
        # Asked often only while it starts: health checks of both ways' containers would be most of what is measured.
        "healthcheck": {"test": ["CMD", "true"], "interval": "60s", "start_period": "60s", "start_interval": "1s"},
        "networks": ["fleet"],
    }
    services = {f"service{number}": service for number in range(SERVICES)}
    return yaml.safe_dump({"services": services, "networks": {"fleet": {"external": True}}})


def _ours(host: BundleHost, connection: Connection) -> Callable[[], float]:
    rounds = itertools.count()
    gate = Gate(settle_seconds=SETTLE_SECONDS)
    first = Release("bench", (ReleaseFile("compose.yaml", ""),), (host.image(),), gate)

    def once() -> float:
        release = replace(first, files=(ReleaseFile("compose.yaml", _compose(host, next(rounds))),))
        began = time.monotonic()
        deploy(connection, release, fill=str)
        return time.monotonic() - began - SETTLE_SECONDS

    return once


def _bare(host: BundleHost, connection: Connection) -> Callable[[], float]:
    rounds = itertools.count()
    host.run("mkdir", "-p", FOLDER)
    up = Argv("docker", "compose", "--project-directory", FOLDER, "up", "--detach", "--wait")

    def once() -> float:
        write = f"import json, sys; open('{FOLDER}/compose.yaml', 'w').write(json.load(sys.stdin))"
        text = json.dumps(_compose(host, next(rounds))).encode()
        began = time.monotonic()
        for argv, stdin in ((Argv("python3", "-c", write), text), (up, b"")):
            done = connection.run(argv, stdin=stdin, timeout_seconds=120.0)
            if done.exit_status:
                raise DeployFailed(done.stderr.decode("utf-8", "replace").strip())
        return time.monotonic() - began

    return once
