"""The program that measures on a host, against real servers over loopback, with the real curl.

Delays are the servers' own; they are asserted from below and by order, for a busy machine only adds to them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from statistics import median

import pytest

from fleet.latency.quantiles import DIGITS, quantiles
from fleet.latency.result import Series
from tests.latency.conftest import Measure, alive, plan, probe
from tests.latency.venue import Venue, certificate

pytestmark = pytest.mark.parts

RESOLVED = 1 - 10**-DIGITS
"""What the histogram tells apart."""


def kinds(series: Series) -> set[str]:
    return {kind for _, kind, _ in series.errors}


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_delays_are_found_again_each_in_its_own_series(venue: Venue, measure: Measure) -> None:
    venue.delays |= {"/near": 0.02, "/far": 0.12, "/ws-near": 0.02, "/ws-far": 0.12}
    run = measure(
        probe("warm", venue.url("/near"), 0.2),
        probe("warm", venue.url("/far"), 0.2, 0.05),
        probe("websocket", venue.url("/ws-near", "wss"), 0.2, 0.1),
        probe("websocket", venue.url("/ws-far", "wss"), 0.2, 0.15),
    )
    near, far, ping_near, ping_far = (quantiles(series.ms(series.phase, 2)) for series in run.series)
    for found, delay_ms in ((near, 20), (far, 120), (ping_near, 20), (ping_far, 120)):
        assert found.n >= 8
        assert found.least is not None
        assert found.p50 is not None
        assert found.least >= delay_ms * RESOLVED
        assert found.p50 >= found.least
    assert near.p50 is not None
    assert far.p50 is not None
    assert ping_near.p50 is not None
    assert ping_far.p50 is not None
    assert near.p50 < far.p50
    assert ping_near.p50 < ping_far.p50
    assert run.series[0].addresses == ("127.0.0.1",)


def test_the_phases_of_a_new_connection_are_apart_and_add_up(venue: Venue, measure: Measure) -> None:
    """The delay is in the first byte, not in the connection; all together is no less than its parts."""
    venue.delays["/time"] = 0.1
    venue.headers = {"CF-Ray": "8c1-EWR", "Via": "1.1 varnish"}
    run = measure(probe("cold", venue.url("/time"), 0.25), probe("tcp", f"localhost:{venue.port}", 0.5))
    cold, tcp = run.series
    assert cold.phases == ("dns", "tcp", "tls", "ttfb", "total")
    assert len(cold.samples) >= 8
    for _, status, dns, connect, tls, first_byte, total in cold.samples:
        assert status == 200
        assert min(dns, connect) >= 0
        assert tls > 0
        assert first_byte >= 100 * RESOLVED
        assert total >= (dns + connect + tls + first_byte) * RESOLVED
    assert cold.headers == {"cf-ray": "8c1-EWR", "via": "1.1 varnish", "server": cold.headers["server"]}
    assert tcp.phases == ("dns", "tcp")
    assert len(tcp.samples) >= 4
    assert median(tcp.ms("tcp", 0)) < min(cold.ms("ttfb", 0))


def test_one_connection_is_kept_and_requests_that_had_to_make_one_do_not_count(venue: Venue, measure: Measure) -> None:
    kept = measure(probe("warm", venue.url("/time"), 0.1), seconds=1.5).series[0]
    assert venue.connections == 1
    assert kept.reconnects == 0
    assert {status for _, status, *_ in kept.samples} == {200}

    venue.close_after, venue.asked = 3, {}
    series = measure(probe("warm", venue.url("/time"), 0.1), seconds=2.0).series[0]
    assert series.reconnects >= 2
    assert len(series.samples) + series.reconnects + 1 <= venue.asked["/time"] + series.behind
    assert series.errors == ()


def test_a_stall_counts_for_all_that_came_due_meanwhile(venue: Venue, measure: Measure) -> None:
    """One request of 30 stalls for a second: who asks again only when the last answer is there sees one slow answer.

    Meant to be asked every 100 ms, at least eight requests were due in that second, and each would have waited.
    """
    venue.stall = (10, 1.0)
    series = measure(probe("warm", venue.url("/time"), 0.1), seconds=3.0).series[0]
    slow = [ms for ms in series.ms("ttfb", 0) if ms >= 100]
    assert max(slow) >= 1000 * RESOLVED
    assert series.behind >= 8
    assert len(slow) >= 8
    stalled = next(at for at, sample in enumerate(series.samples) if sample[2] >= 1000 * RESOLVED)
    waited = [sample[2] for sample in series.samples[stalled : stalled + 8]]
    assert waited == sorted(waited, reverse=True)
    # No burst of requests that were missed: a venue sees no more than its rate.
    assert venue.asked["/time"] < 30 - 7

    tail = quantiles(series.ms("ttfb", 0)).p95
    assert tail is not None
    assert tail >= 500


def test_refusals_are_told_apart_and_end_the_series(venue: Venue, measure: Measure) -> None:
    venue.statuses = {"/451": 451, "/403": 403, "/429": 429, "/500": 503, "/401": 401, "/ws": 403}
    paths = ("/451", "/403", "/429", "/500", "/401")
    run = measure(
        *(probe("warm", venue.url(path), 0.1) for path in paths),
        probe("websocket", venue.url("/ws", "wss"), 0.5),
        probe("cold", venue.url("/451"), 0.5),
        seconds=2.0,
    )
    found = [kinds(series) for series in run.series]
    assert found[:4] == [{"451"}, {"403"}, {"429"}, {"5xx"}]
    assert found[4] == set()
    assert {status for _, status, *_ in run.series[4].samples} == {401}
    assert found[5:] == [{"403"}, {"451"}]
    # A WebSocket that was refused is not tried again at once.
    assert venue.asked["/ws"] == 1
    # Too many requests is not answered with more of them.
    assert venue.asked["/429"] == 1
    assert venue.asked["/403"] == 3
    assert len(run.series[3].errors) > 5


def test_what_goes_wrong_before_an_answer_is_told_apart(venue: Venue, measure: Measure, tmp_path: Path) -> None:
    stranger = Venue(certificate(tmp_path / "unknown"))
    nowhere, port = "a" * 64 + ".invalid", closed_port()
    venue.delays |= {"/slow": 3.0, "/slow-pongs": 3.0}
    try:
        run = measure(
            probe("cold", f"https://{nowhere}/", 0.5),
            probe("cold", f"https://localhost:{port}/", 0.5),
            probe("cold", stranger.url("/time"), 0.5),
            probe("cold", venue.url("/slow"), 0.5),
            probe("warm", f"https://localhost:{port}/", 0.5),
            probe("warm", venue.url("/slow"), 0.5),
            probe("websocket", f"wss://{nowhere}/", 0.5),
            probe("websocket", f"wss://localhost:{port}/", 0.5),
            probe("websocket", stranger.url("/ws", "wss"), 0.5),
            probe("websocket", venue.url("/slow-pongs", "wss"), 0.5),
            probe("tcp", f"{nowhere}:443", 0.5),
            probe("tcp", f"localhost:{port}", 0.5),
            seconds=1.2,
            timeout_seconds=1.0,
        )
    finally:
        stranger.stop()
    assert [kinds(series) for series in run.series[:6]] == [
        {"dns"},
        {"refused"},
        {"tls"},
        {"timeout"},
        {"refused"},
        {"timeout"},
    ]
    assert [kinds(series) for series in run.series[6:9]] == [{"dns"}, {"refused"}, {"tls"}]
    assert kinds(run.series[9]) == {"timeout"}
    assert [kinds(series) for series in run.series[10:]] == [{"dns"}, {"refused"}]
    assert all(text for series in run.series for _, _, text in series.errors)


def children_of(process: int) -> list[int]:
    found: list[int] = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(file.read_text().rsplit(")", 1)[1].split()[1]) == process:
                found.append(int(file.parent.name))
    return found


def test_a_curl_that_is_killed_takes_only_its_own_series_along(venue: Venue) -> None:
    program = (resources.files("fleet.latency") / "host_program.py").read_bytes()
    series = (probe("warm", venue.url("/time"), 0.1), probe("websocket", venue.url("/ws", "wss"), 0.2))
    measuring = subprocess.Popen(
        [sys.executable, "-", plan(*series, seconds=4.0).asked()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert measuring.stdin is not None
    measuring.stdin.write(program)
    measuring.stdin.close()
    measuring.stdin = None
    while venue.asked.get("/time", 0) < 3:
        time.sleep(0.01)
    for child in children_of(measuring.pid):
        os.kill(child, signal.SIGKILL)
    out, _ = measuring.communicate()
    warm, pings = json.loads(out)["series"]
    assert warm["samples"]
    assert {kind for _, kind, _ in warm["errors"]} == {"other"}
    assert {text for _, _, text in warm["errors"]} == {"curl ended"}
    assert pings["samples"]
    assert pings["errors"] == []


def test_a_missing_curl_is_named(venue: Venue) -> None:
    program = (resources.files("fleet.latency") / "host_program.py").read_bytes()
    asked = plan(probe("warm", venue.url("/time"))).asked()
    done = subprocess.run(
        [sys.executable, "-", asked], input=program, capture_output=True, check=True, env={"PATH": "/nonexistent"}
    )
    assert json.loads(done.stdout) == {"error": "curl and setpriv not there (Debian: apt-get install curl util-linux)"}


def test_it_ends_with_whoever_started_it_and_takes_curl_with_it(venue: Venue, tmp_path: Path) -> None:
    """An ssh connection that breaks leaves no program behind that would ask venues for hours."""
    program = tmp_path / "program.py"
    program.write_bytes((resources.files("fleet.latency") / "host_program.py").read_bytes())
    asked = plan(probe("warm", venue.url("/time"), 0.2), seconds=3600.0).asked()
    script = '"$1" "$2" "$3" & echo $!; read line'
    starter = subprocess.Popen(
        ["sh", "-c", script, "sh", sys.executable, str(program), asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    measuring = int(starter.stdout.readline())
    while not venue.asked.get("/time"):
        time.sleep(0.01)
    children = children_of(measuring)
    assert children
    starter.communicate("\n")
    while any(alive(process) for process in (measuring, *children)):
        time.sleep(0.01)
    assert starter.returncode == 0
