"""A lab's servers pull the services' images by digest, over TLS, from a real registry that the lab runs."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.images.errors import NotPinned
from fleet.images.pin import pin
from fleet.model.images import IMAGES_FILE, KEYS
from lab import registry, registry_trust
from lab.execution import Result
from lab.lab import Lab
from lab.machines import Machines, ServerSpec
from lab.registry_trust import DOCKERS_FOLDER, HOST
from lab.settings import LabHome

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
        "stand-in": ("python3", "-c", "import psycopg, redis, stand_in; print('all there')"),
        "ib-gateway": ("python3", "-m", "http.server", "--help"),
    }
    said = {
        "questdb": "io.questdb",
        "redis": "Redis server v=8.",
        "python": "Python 3.13.",
        "stand-in": "all there",
        "ib-gateway": "usage: ",
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


def test_a_server_believes_the_registry_by_the_labs_authority_only(lab: Lab, host: Callable[..., Result]) -> None:
    ask = ("curl", "--silent", "--show-error", "--max-time", "10", f"https://{HOST}/v2/")
    stranger = host(*ask)
    assert stranger.code == 60, stranger.stderr  # curl(1): the certificate cannot be verified
    assert host(*ask, "--cacert", f"{DOCKERS_FOLDER}/ca.crt").stdout == "{}"
    assert host("touch", f"{DOCKERS_FOLDER}/mine.crt").code != 0


def test_nobody_can_push(host: Callable[..., Result]) -> None:
    begin = ("curl", "--silent", "--cacert", f"{DOCKERS_FOLDER}/ca.crt", "--request", "POST", "--max-time", "10")
    refused = host(
        *begin, "--write-out", "%{http_code}", "--output", "/dev/null", f"https://{HOST}/v2/mine/blobs/uploads/"
    )
    assert refused.stdout == "405"


def test_a_tag_is_pinned_over_tls_from_the_machine(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = registry_trust.trusted_folder(registry.folder(lab.home)) / "ca.crt"
    address = f"{lab.home.ranges.registry_address}:{registry_trust.PORT}"
    images = registry.images(lab.home)
    (tmp_path / IMAGES_FILE).write_text(
        "\n".join(f'{key}: {{repository: {address}/redis, tag: "8.0"}}' for key in KEYS) + "\n"
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(NotPinned, match="SSL_CERT_FILE can name your own authorities"):
        pin(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert {made.digest for made in pin(tmp_path)} == {images["redis"].partition("@")[2]}


def test_a_registry_that_died_comes_back_with_the_lab_and_servers_still_believe_it(
    lab: Lab, host: Callable[..., Result], eventually: Eventually
) -> None:
    pid = int(registry.pid_file(lab.home).read_text())
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes())
    image = registry.images(lab.home)["redis"]
    host("docker", "image", "rm", "--force", image)
    assert host("docker", "pull", "--quiet", image).code != 0

    began = time.monotonic()
    lab.up(print)
    print(f"up again in {time.monotonic() - began:.1f} s")

    assert host("docker", "pull", "--quiet", image).code == 0


def test_a_lab_without_servers_has_its_images_on_paper(tmp_path: Path) -> None:
    home = LabHome(tmp_path)
    home.configure(servers=False)
    images = registry.images(home)
    assert set(images) == {"questdb", "redis", "python", "stand-in", "ib-gateway"}
    assert all(image.endswith("@sha256:" + "0" * 64) for image in images.values())
