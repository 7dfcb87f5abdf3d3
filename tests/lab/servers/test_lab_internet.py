"""The lab's internet: servers reach its sites by name, over TLS that they trust, and as far away as the table says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import services
from lab.execution import Result
from lab.internet import setup
from lab.internet.answers import SIMULATED
from lab.internet.table import Internet, Site, Way
from lab.lab import Lab
from lab.machines import Machines, ServerSpec

pytestmark = pytest.mark.lab

NEAR_MS, FAR_MS, ORIGIN_MS = 60.0, 180.0, 120.0
SAMPLES = 8
SLACK = 0.25
"""How much more than injected a round trip may take here, as a part of it: two cores carry the lab and the tests."""

SITES = (
    Site(
        "api.broker.example",
        {"east": Way(NEAR_MS), "west": Way(FAR_MS)},
        tls_ports=(443,),
        tcp_ports=(4001,),
    ),
    Site(
        "edge.exchange.example",
        {"east": Way(NEAR_MS, status=451), "west": Way(NEAR_MS, answer_ms=ORIGIN_MS)},
        tls_ports=(443, 9443),
        headers={"CF-Ray": "0-LAB"},
    ),
)
INTERNET = Internet(SITES, {"one": "east", "aws/ap-northeast-1": "west"})

CURL = ("curl", "--silent", "--show-error", "--max-time", "20")
TIMES = "%{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer}\n"

WEBSOCKET = """
import json, os, socket, ssl, sys, time
raw = socket.create_connection((sys.argv[1], 9443), 20)
line = ssl.create_default_context().wrap_socket(raw, server_hostname=sys.argv[1])
head = ("GET /ws HTTP/1.1", "Host: " + sys.argv[1], "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "")
line.sendall("\\r\\n".join(head).encode())
upgraded = line.recv(4096).decode()
pings = []
for _ in range(5):
    payload, began = os.urandom(8), time.perf_counter()
    line.sendall(bytes((0x89, 0x88, 0, 0, 0, 0)) + payload)
    assert line.recv(10) == bytes((0x8a, 8)) + payload
    pings.append((time.perf_counter() - began) * 1000)
print(json.dumps({"head": upgraded, "pings": pings, "version": line.version()}))
"""


@pytest.fixture(scope="module")
def internet(lab: Lab, machines: Machines) -> Iterator[Lab]:
    """The lab with an internet; one server was there before it, one came after it."""
    machines.create(ServerSpec("test-one", "vultr", "one", "", "direct", memory_mb=1024))
    lab.establish_internet(INTERNET)
    later = ServerSpec("test-two", "aws", "two", "", "nat", memory_mb=1024, labels={"zone": "ap-northeast-1a"})
    machines.create(later)
    for name in ("one", "two"):
        lab.wait_until_booted(name)
    yield lab
    for id in ("test-one", "test-two"):
        machines.destroy(id)
    setup.remove(lab.home)


def ask(lab: Lab, server: str, *argv: str) -> str:
    done: Result = lab.run(server, (*CURL, *argv))
    assert done.code == 0, f"{server}: {done.stderr}"
    return done.stdout


def phases(lab: Lab, server: str, url: str) -> tuple[float, float, float]:
    """What connecting, TLS and the answer took, in ms: the least of some tries, which a busy machine disturbs least."""
    rows = []
    for _ in range(SAMPLES):
        shown = ask(lab, server, "--output", "/dev/null", "--write-out", TIMES, url)
        named, connected, secured, answered = (float(word) * 1000 for word in shown.split())
        rows.append((connected - named, secured - connected, answered - secured))
    connect, tls, answer = (min(column) for column in zip(*rows, strict=True))
    return connect, tls, answer


@pytest.mark.parametrize(("server", "injected"), [("one", NEAR_MS), ("two", FAR_MS)])
def test_connecting_tls_and_the_answer_take_a_round_trip_each(internet: Lab, server: str, injected: float) -> None:
    measured = phases(internet, server, "https://api.broker.example/time")
    print(server, measured)
    assert measured == pytest.approx((injected,) * 3, rel=SLACK)


def test_a_content_networks_edge_is_near_and_its_answers_come_from_afar(internet: Lab) -> None:
    measured = phases(internet, "two", "https://edge.exchange.example/time")
    print(measured)
    assert measured == pytest.approx((NEAR_MS, NEAR_MS, NEAR_MS + ORIGIN_MS), rel=SLACK)


def test_a_connection_serves_many_requests_and_the_later_ones_cost_one_round_trip(internet: Lab) -> None:
    url = "https://api.broker.example/time"
    again = "%{num_connects} %{time_starttransfer}\n"
    shown = ask(internet, "two", "--write-out", again, *(part for _ in range(4) for part in (url, "-o", "/dev/null")))
    (first, cold), *later = (line.split() for line in shown.splitlines())
    assert first == "1"
    assert {connects for connects, _ in later} == {"0"}
    assert min(float(warm) for _, warm in later) * 1000 == pytest.approx(FAR_MS, rel=SLACK)
    assert float(cold) * 1000 > 3 * FAR_MS


def test_a_refused_country_is_told_so_by_the_edge(internet: Lab) -> None:
    shown = ask(internet, "one", "--include", "https://edge.exchange.example/time")
    assert shown.startswith("HTTP/1.1 451 ")
    assert "CF-Ray: 0-LAB" in shown
    assert f"{SIMULATED}: simulated" in shown


def test_websockets_are_upgraded_and_pinged_over_tls_1_3(internet: Lab) -> None:
    done = internet.run("two", ["python3", "-c", WEBSOCKET, "edge.exchange.example"])
    assert done.code == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["head"].startswith("HTTP/1.1 101 ")
    # The accepted key of the example in RFC 6455, section 1.3.
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in seen["head"]
    assert seen["version"] == "TLSv1.3"
    assert min(seen["pings"]) == pytest.approx(NEAR_MS + ORIGIN_MS, rel=SLACK)


def test_a_bare_port_is_open_and_says_nothing(internet: Lab) -> None:
    assert internet.run("one", ["nc", "-z", "-w", "5", "api.broker.example", "4001"]).code == 0
    assert internet.run("one", ["nc", "-z", "-w", "5", "api.broker.example", "4002"]).code != 0


def test_other_names_do_not_exist_and_other_places_do_not_get_through(internet: Lab) -> None:
    # getent(1): 2, no such entry.
    assert internet.run("one", ["getent", "hosts", "api.nobody.example"]).code == 2
    # The venue's host has no place in the table.
    curl = [*CURL, "--connect-timeout", "2", "https://api.broker.example/"]
    assert internet.run("venue", curl).code == 28


def test_nobody_asks_and_it_sleeps(internet: Lab) -> None:
    pid = int(services.pid_file(internet.home, setup.MODULE).read_text())

    def switches() -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)

    before = switches()
    ask(internet, "one", "https://api.broker.example/time")
    busy = switches()
    assert busy > before
    internet.run("one", ["sleep", "1"])
    # Some late packets of the connection's end.
    assert switches() - busy < (busy - before)


def test_servers_trust_it_after_a_reboot_and_the_internet_comes_back_with_the_lab(
    internet: Lab, machines: Machines
) -> None:
    setup.services.stop(internet.home, setup.MODULE)
    machines.reboot("test-one")
    internet.up(print)
    internet.wait_until_booted("one")
    assert json.loads(ask(internet, "one", "https://api.broker.example/time"))["simulated"] is True
