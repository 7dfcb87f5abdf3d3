"""The platform's stand-in really connects to what its environment wires it to, and says what it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lab import registry
from lab.lab import Lab
from lab.machines import Machines, ServerSpec

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

PORT = 5001
SECRET = "correct-horse"
ENVIRONMENT = {
    "SERVICE_NAME": "trading-service",
    "PORT": str(PORT),
    "FLEET_REGION": "nj",
    "FLEET_VENUES": "alpaca=active,binance=standby",
    "ConnectionStrings__QuestDB": f"host=questdb;port=8812;database=qdb;username=reader;password={SECRET}",
    # Nobody has this address: the hub is not reached.
    "ConnectionStrings__QuestDBPrimary": f"host=198.51.100.1;port=8812;database=qdb;username=writer;password={SECRET}",
    "REDIS_CONNECTION": f"redis-local:6379,password={SECRET}",
    "REDIS_CLUSTER": "10.77.0.1:7001,10.77.1.1:7001",
    "Alpaca__ApiKey": "broker-key",
}


@dataclass
class Host:
    """A server with a replica, a local Redis and room for a service, all on the network ``fleet``."""

    lab: Lab
    images: Mapping[str, str]

    def docker(self, *arguments: str) -> str:
        done = self.lab.run("stand", ["docker", *arguments])
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    def start(self, name: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        hardened = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        self.docker(
            "run", "-d", "--name", name, "--network", "fleet", *hardened, *options, self.images[image], *command
        )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; status 0 while nothing answers."""
        url = f"http://127.0.0.1:{PORT}{path}"
        done = self.lab.run("stand", ["curl", "--silent", "--max-time", "10", "--write-out", "\n%{http_code}", url])
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    def whoami(self) -> dict[str, Any]:
        status, body = self.get("/whoami")
        assert status == 200, body
        document: dict[str, Any] = json.loads(body)
        return document


@pytest.fixture(scope="module")
def host(lab: Lab, machines: Machines) -> Iterator[Host]:
    machines.create(ServerSpec("test-stand", "vultr", "stand", "", "direct", memory_mb=4096))
    lab.wait_until_booted("stand")
    assert lab.run("stand", ["systemctl", "start", "docker"]).code == 0
    made = Host(lab, registry.images(lab.home))
    made.docker("network", "create", "fleet")
    login = ("QDB_PG_READONLY_USER_ENABLED=true", "QDB_PG_READONLY_USER=reader", f"QDB_PG_READONLY_PASSWORD={SECRET}")
    # QuestDB unpacks a native library into /tmp, and Docker mounts a tmpfs with noexec unless it is told otherwise.
    made.start(
        "questdb",
        "questdb",
        *("--user", "10001:10001", "--volume", "questdb:/var/lib/questdb", "--tmpfs", "/tmp:exec"),
        *("--memory", "1g", "--env", "JDK_JAVA_OPTIONS=-Xmx256m"),
        *(part for setting in login for part in ("--env", setting)),
    )
    # A user of the image's own would own /data; any other brings a folder of its own.
    made.start(
        "redis-local",
        "redis",
        "--user",
        "10001:10001",
        "--tmpfs",
        "/data:uid=10001",
        command=("redis-server", "--requirepass", SECRET),
    )
    environment = [part for name, value in ENVIRONMENT.items() for part in ("--env", f"{name}={value}")]
    made.start("service", "stand-in", "--user", "10001:10001", "--publish", f"127.0.0.1:{PORT}:{PORT}", *environment)
    yield made
    machines.destroy("test-stand")


def test_it_is_healthy_once_its_own_hosts_databases_answer_and_the_hub_may_be_away(
    host: Host, eventually: Eventually
) -> None:
    eventually(lambda: host.get("/health")[0] == 200)
    told = host.whoami()
    assert (told["service"], told["region"]) == ("trading-service", "nj")
    assert told["venues"] == {"alpaca": "active", "binance": "standby"}
    assert told["credentials"] == ["Alpaca__ApiKey"]
    assert told["read"] == {"target": "questdb:8812", "user": "reader", "state": "ok"}
    assert told["write"] == {"target": "198.51.100.1:8812", "state": "waiting"}
    assert told["redis"] == {"target": "redis-local:6379", "state": "ok"}
    assert told["cluster"] == ["10.77.0.1:7001", "10.77.1.1:7001"]


def test_no_secret_is_told(host: Host) -> None:
    pages = "".join(host.get(path)[1] for path in ("/health", "/metrics", "/whoami")) + host.docker("logs", "service")
    assert SECRET not in pages
    assert "broker-key" not in pages


def test_metrics_are_in_prometheus_text_format(host: Host) -> None:
    status, page = host.get("/metrics")
    assert status == 200
    assert 'stand_in_up{service="trading-service",region="nj"} 1\n' in page
    assert 'stand_in_target_up{service="trading-service",region="nj",target="write"} 0\n' in page
    assert 'stand_in_venue{service="trading-service",region="nj",venue="alpaca",mode="active"} 1\n' in page


@pytest.mark.parametrize(("target", "container"), [("redis", "redis-local"), ("read", "questdb")])
def test_it_is_unhealthy_while_a_database_of_its_host_is_away(
    host: Host, eventually: Eventually, target: str, container: str
) -> None:
    host.docker("kill", container)
    status, body = host.get("/health")
    assert status == 503
    assert json.loads(body)[target] != "ok"
    host.docker("start", container)
    eventually(lambda: host.get("/health")[0] == 200)


def test_a_wrong_password_is_unhealthy_and_named(host: Host) -> None:
    environment = {
        **ENVIRONMENT,
        "PORT": "5010",
        "ConnectionStrings__QuestDB": "host=questdb;username=reader;password=wrong-horse",
    }
    options = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    host.start("miswired", "stand-in", *options)
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:5010/whoami').read().decode())"
    told = json.loads(host.docker("exec", "miswired", "python3", "-c", ask))
    assert "password" in told["read"]["state"]
    host.docker("rm", "--force", "miswired")


def test_without_a_database_it_ends_at_once_and_names_the_variable(host: Host) -> None:
    done = host.lab.run("stand", ["docker", "run", "--rm", host.images["stand-in"]])
    assert done.code == 1
    assert done.stderr.strip() == "stand-in: ConnectionStrings__QuestDB is not set"


def test_it_fills_the_memory_it_is_told_to(host: Host, eventually: Eventually) -> None:
    database = f"ConnectionStrings__QuestDB={ENVIRONMENT['ConnectionStrings__QuestDB']}"
    host.start("filled", "stand-in", "--memory", "200m", "--env", "FILL_MB=128", "--env", database)

    def resident() -> int:
        status = host.docker("exec", "filled", "cat", "/proc/1/status")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))

    eventually(lambda: resident() > 128 * 1024)
    host.docker("rm", "--force", "filled")
