"""A lab's servers pull the services' images by digest, over TLS, from a real registry that the lab runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from lab import registry
from lab.execution import Result
from lab.lab import Lab
from lab.machines import Machines, ServerSpec
from lab.registry_trust import HOST

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture(scope="module")
def host(lab: Lab, machines: Machines) -> Iterator[Callable[..., Result]]:
    """A server of a cloud with Docker running; runs a command on it."""
    machines.create(ServerSpec("test-puller", "aws", "puller", "", "nat", memory_mb=4096))
    lab.wait_until_booted("puller")
    started = lab.run("puller", ["systemctl", "start", "docker"])
    assert started.code == 0, started.stderr
    yield lambda *argv: lab.run("puller", argv)
    machines.destroy("test-puller")


def test_every_image_is_pulled_by_its_digest_and_starts_as_a_user_of_numbers(
    lab: Lab, host: Callable[..., Result]
) -> None:
    programs = {
        "questdb": ("/app/bin/java", "--list-modules"),
        "redis": ("redis-server", "--version"),
        "python": ("python3", "--version"),
        "shipper": ("python3", "-c", "import psycopg; print(psycopg.__version__, psycopg.pq.__impl__)"),
        "stand-in": ("python3", "-c", "import psycopg, redis, stand_in; print('all there')"),
    }
    said = {
        "questdb": "io.questdb",
        "redis": "Redis server v=8.",
        "python": "Python 3.13.",
        "shipper": " c",
        "stand-in": "all there",
    }
    images = registry.images(lab.home)
    assert set(images) == set(programs)
    for name, image in images.items():
        began = time.monotonic()
        pulled = host("docker", "pull", "--quiet", image)
        assert pulled.code == 0, pulled.stderr
        print(f"{name}: pulled in {time.monotonic() - began:.1f} s")
        ran = host("docker", "run", "--rm", "--read-only", "--user", "10001:10001", image, *programs[name])
        assert ran.code == 0, ran.stderr
        assert said[name] in ran.stdout
        known = json.loads(host("docker", "image", "inspect", image).stdout)[0]
        assert known["RepoDigests"] == [f"{HOST}/{name}@{image.partition('@')[2]}"]
