"""images.yaml: what it may say, what is wrong with it in the one report, and what a release gets of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.configuration import load
from fleet.model.images import IMAGES_FILE, KEYS, Image, ImageNotPinned, Images
from fleet.model.problems import ConfigurationError
from fleet.rehearsal.images import write_images

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
DIGEST = f"sha256:{'a1' * 32}"


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """A copy of the default fleet, with one text of images.yaml replaced by another."""
    for source in (CHECKOUT / "fleet.yaml", CHECKOUT / IMAGES_FILE, *CHECKOUT.glob("Pulumi.*.yaml")):
        shutil.copy(source, tmp_path)

    def edit(old: str, new: str) -> Path:
        file = tmp_path / IMAGES_FILE
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))
        return tmp_path

    return edit


def test_every_image_that_a_bundle_needs_is_in_the_default_file() -> None:
    images = load(CHECKOUT).images
    assert tuple(images.by_key) == KEYS
    assert images.by_key["questdb"].tagged == "docker.io/questdb/questdb:9.3.4"
    assert images.by_key["redis"].tagged == "docker.io/library/redis:8.0"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("docker.io/library/redis", "redis", ("redis.repository: does not name its registry", "such as docker.io/lib")),
        ("docker.io/library/redis", "docker.io/Redis", ("redis.repository: is not a repository's name",)),
        ("docker.io/library/redis", "docker.io/library/redis:8", ("redis.repository: is not a repository's name",)),
        ('tag: "8.0"', "tag: 8.0", ("redis.tag: is not text", "value:   8.0", 'quotes: tag: "8.0"')),
        ('tag: "8.0"', 'tag: "a b"', ("redis.tag: is not a tag",)),
        (
            'tag: "8.0"',
            "digest: latest",
            ("redis.digest: is not a digest", "fleet images pin", "redis.tag: is missing"),
        ),
        ('tag: "8.0"', 'tag: "8.0"\n  digset: x', ("redis.digset: is not a known key", "digest")),
        ('tag: "8.0"', 'tag: "8.0"\n  follow: "yes"', ("redis.follow: is not true or false",)),
        ("redis:\n", "reddis:\n", ("redis: is missing",)),
        ("redis:\n", "redis: 7\nother:\n", ("redis: is not a mapping",)),
        ("redis:\n", "redis: &a\n", ("is a YAML anchor",)),
    ],
)
def test_what_is_wrong_is_in_the_one_report(
    edited: Callable[[str, str], Path], old: str, new: str, said: tuple[str, ...]
) -> None:
    root = edited(old, new)
    with pytest.raises(ConfigurationError) as error:
        load(root)
    for text in (IMAGES_FILE, *said):
        assert text in str(error.value)


def test_problems_of_the_images_stand_beside_those_of_other_files(edited: Callable[[str, str], Path]) -> None:
    root = edited('tag: "8.0"', "tag: 8.0")
    fleet = root / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace("hub: hub", "hub: hbu"))
    with pytest.raises(ConfigurationError) as error:
        load(root)
    assert {problem.file for problem in error.value.problems} == {IMAGES_FILE, "fleet.yaml"}


@pytest.mark.parametrize(
    "repository",
    [
        "docker.io/library/redis",
        "ghcr.io/me/app",
        "registry.lab:5000/a",
        "localhost:5000/a/b",
        "198.18.3.30:5000/x_y/z-1",
    ],
)
def test_a_pinned_image_is_repository_tag_and_digest(repository: str) -> None:
    images = Images({"redis": Image(repository=repository, tag="8.0", digest=DIGEST)})
    assert images.pinned("redis") == f"{repository}:8.0@{DIGEST}"


def test_an_image_without_a_digest_is_refused_with_the_command_that_pins_it() -> None:
    with pytest.raises(ImageNotPinned, match="run: fleet images pin redis"):
        Images({"redis": Image(repository="docker.io/library/redis", tag="8.0")}).pinned("redis")


def test_an_image_that_is_not_there_is_refused_also_without_the_file() -> None:
    with pytest.raises(ImageNotPinned, match=r"images.yaml has no image 'redis'.*fleet images pin redis"):
        Images().pinned("redis")


def test_the_rehearsal_runs_the_labs_images_the_stand_in_for_every_service(tmp_path: Path) -> None:
    for source in (CHECKOUT / "fleet.yaml", *CHECKOUT.glob("Pulumi.*.yaml")):
        shutil.copy(source, tmp_path)
    served = {name: f"registry.lab:5000/{name}:1@{DIGEST}" for name in ("questdb", "redis", "python")}
    served["stand-in"] = f"registry.lab:5000/stand-in:1@sha256:{'b' * 64}"

    assert write_images(CHECKOUT, tmp_path, served)
    images = load(tmp_path).images
    assert tuple(images.by_key) == KEYS
    assert {key: images.pinned(key) for key in KEYS} == {
        **dict.fromkeys(KEYS, served["stand-in"]),
        **{key: image for key, image in served.items() if key in KEYS},
    }
    assert not write_images(CHECKOUT, tmp_path, served)
