"""Measuring over ssh: a real sshd, the program sent to it, several hosts, and ones that cannot."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.latency.measure import Spot, measure
from tests.hosts.sshd import SSHD, SshServers, new_key
from tests.latency.conftest import CHECKOUT, plan, probe
from tests.latency.venue import Certificate, Venue

pytestmark = pytest.mark.parts


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServers]:
    if not SSHD:
        pytest.skip("openssh-server is not installed")
    found = SshServers(tmp_path_factory.mktemp("ssh"))
    yield found
    found.stop()


def test_every_host_measures_and_the_silent_ones_are_named(
    servers: SshServers, venue: Venue, signed: Certificate
) -> None:
    trust = f"SetEnv SSL_CERT_FILE={signed.authority} CURL_CA_BUNDLE={signed.authority}"
    server = servers.start(trust)
    stranger = server.pinned_to(new_key().public)
    venue.delays["/time"] = 0.05
    told: list[str] = []

    outcome = measure(
        {
            Spot("nj", "nj", "new-jersey"): server.target,
            Spot("ldn", "ldn", "london"): server.target,
            Spot("sg", "sg", "singapore"): stranger,
        },
        server.login_key,
        plan(probe("warm", venue.url("/time"), 0.2), probe("cold", venue.url("/time"), 0.5), seconds=2.0),
        simulated=True,
        progress=lambda host, line: told.append(f"{host}: {line}"),
    )

    assert [run.host for run in outcome.runs] == ["nj", "ldn"]
    for run in outcome.runs:
        assert run.simulated
        assert min(run.series[0].ms("ttfb", 0)) >= 50
        assert min(run.series[1].ms("total", 0)) >= 50
        assert run.software.curl[0].isdigit()
    assert list(outcome.silent) == ["sg"]
    assert "the server shows the host key" in outcome.silent["sg"]
    assert {line.partition(": ")[0] for line in told} == {"nj", "ldn"}
    assert "1 venues in 2 series for 2 s, until about " in told[0]


INTERRUPTED = """
import json, signal, sys
from fleet.latency.measure import Spot, measure
from hosts import Target
from tests.latency.conftest import plan, probe

signal.signal(signal.SIGINT, signal.default_int_handler)
asked = json.load(sys.stdin)
try:
    measure(
        {Spot("nj", "nj", "new-jersey"): Target("nj", "127.0.0.1", asked["port"], "root", (asked["pin"],))},
        asked["key"],
        plan(probe("warm", asked["url"], 0.2), seconds=3600.0),
        simulated=False,
        progress=lambda _host, _line: None,
    )
except KeyboardInterrupt:
    print("interrupted")
"""


def test_interrupted_it_ends_at_once_here_and_on_the_host(
    servers: SshServers, venue: Venue, signed: Certificate
) -> None:
    server = servers.start(f"SetEnv SSL_CERT_FILE={signed.authority} CURL_CA_BUNDLE={signed.authority}")
    asked = {
        "port": server.target.port,
        "pin": server.target.pins[0],
        "key": server.login_key,
        "url": venue.url("/time"),
    }
    measuring = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    assert measuring.stdin is not None
    measuring.stdin.write(json.dumps(asked))
    measuring.stdin.flush()
    measuring.stdin.close()
    measuring.stdin = None
    while not venue.asked.get("/time"):
        assert measuring.poll() is None
        time.sleep(0.01)
    measuring.send_signal(signal.SIGINT)
    out, _ = measuring.communicate()
    assert (out, measuring.returncode) == ("interrupted\n", 0)
    while programs_that_name(venue.url("/time")):
        time.sleep(0.01)


def programs_that_name(word: str) -> list[int]:
    found: list[int] = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in file.read_bytes():
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found
