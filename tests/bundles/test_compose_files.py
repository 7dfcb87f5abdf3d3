"""Every rendered Compose file as the real Compose reads it: the one of Debian 13, which every host has. No daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.configuration import Configuration
from hosts.release import COMPOSE_FILE, Release
from infra.bundles.host_bundles import bundles_of, releases_of
from lab.image import FULL, build_image
from lab.requirements import ensure
from tests.bundles.test_region_services import GOLDEN, REGIONS, VAULT, configuration

__all__ = ["configuration"]

pytestmark = pytest.mark.parts

MEMBER = "./usr/libexec/docker/cli-plugins/docker-compose"
"""Of the image that the lab's hosts are made from."""

Compose = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """This machine's Compose 2, else the one in the lab's image, which is made where it is not yet."""
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]):
            told = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            if told.returncode == 0 and told.stdout.strip().removeprefix("v").startswith("2."):
                return command
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("no Compose 2 here, and making the lab's image needs root on Linux")
    ensure(print)
    folder = tmp_path_factory.mktemp("compose")
    with tarfile.open(build_image(FULL, print)) as image:
        image.extract(MEMBER, folder, filter="data")
    return (str(folder / MEMBER),)


@pytest.fixture(scope="module")
def compose(program: tuple[str, ...]) -> Compose:
    """``docker compose config -q`` of a release's folder."""

    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, "--file", str(folder / COMPOSE_FILE), "config", "--quiet"],
            # A host's services see nothing of the environment that Compose is called in.
            env={"PATH": os.defpath},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def written(release: Release, folder: Path) -> Path:
    """A release as it lies on its host, secrets filled in."""
    for file in release.files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(VAULT.fill(file.content))
    return folder


def test_there_is_a_golden_file_of_each_and_of_nothing_else(configuration: Configuration) -> None:
    bundles = {
        f"{region}-{bundle}.txt"
        for region in REGIONS
        for bundle in bundles_of(configuration, configuration.hosts_of(region)[0])
    }
    assert bundles == {path.name for path in GOLDEN.iterdir()}


@pytest.mark.parametrize("region", REGIONS)
def test_compose_takes_every_bundle_of_a_region_as_it_is(
    region: str, configuration: Configuration, compose: Compose, tmp_path: Path
) -> None:
    for release in releases_of(configuration, configuration.hosts_of(region)[0], VAULT):
        done = compose(written(release, tmp_path / release.bundle))
        # Nothing to say: no warning of a variable that is not set or of a key that is out of date either.
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), release.bundle


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("    mem_limit: 768m", "    mem_limt: 768m", "mem_limt"),
        ("    mem_limit: 768m", "    mem_limit: plenty", "plenty"),
        ("env/stores.env", "env/store.env", "env/store.env"),
        ("    external: true", "    externl: true", "externl"),
        ("networks: [fleet]", "networks: [fleeet]", "fleeet"),
        ("interval: 30s", "interval: 30 apples", "apples"),
        ("name: fleet-trading", "name: [fleet-trading", "yaml"),
        ("start_period: 90s", 'start_period: "${UNSET:?is not set}"', "UNSET"),
    ],
)
def test_a_broken_file_is_refused(
    configuration: Configuration, compose: Compose, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    releases = releases_of(configuration, configuration.hosts_of("nj")[0], VAULT)
    folder = written(next(release for release in releases if release.bundle == "trading"), tmp_path)
    file = folder / COMPOSE_FILE
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong, 1))
    done = compose(folder)
    assert done.returncode != 0
    assert told in done.stderr


def test_a_value_of_an_env_file_that_cannot_be_read_is_refused(
    configuration: Configuration, compose: Compose, tmp_path: Path
) -> None:
    releases = releases_of(configuration, configuration.hosts_of("nj")[0], VAULT)
    folder = written(next(release for release in releases if release.bundle == "trading"), tmp_path)
    env = folder / "env/venue-alpaca.env"
    env.write_text(env.read_text() + "Alpaca__More='never ends\n")
    assert compose(folder).returncode != 0
