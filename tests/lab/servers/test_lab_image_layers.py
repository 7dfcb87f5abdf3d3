"""Layers of images, and the storage in which docker-registry finds them."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.image.layers import LayerFile, write_difference, write_files
from lab.image.service_recipe import JAVA, SERVICE_IMAGES
from lab.image.storage import Storage

pytestmark = pytest.mark.unit


def file(folder: Path, path: str, text: str, mode: int = 0o644) -> LayerFile:
    source = folder / hashlib.sha256(f"{path}{text}".encode()).hexdigest()
    source.write_text(text)
    return LayerFile(path, source, mode)


def made(folder: Path, name: str, *files: LayerFile) -> Path:
    layer = folder / f"{name}.tar"
    write_files(files, layer)
    return layer


def names(layer: Path) -> list[str]:
    with tarfile.open(layer) as archive:
        return archive.getnames()


def test_a_layer_has_what_is_new_and_what_is_different_of_the_layers_below_together(tmp_path: Path) -> None:
    same, first, second = (file(tmp_path, path, "x") for path in ("/same", "/of-the-first", "/of-the-second"))
    below = [made(tmp_path, "one", same, first, file(tmp_path, "/changed", "old")), made(tmp_path, "two", second)]
    others = (file(tmp_path, "/changed", "new"), file(tmp_path, "/new", "x"))
    whole = made(tmp_path, "whole", same, first, second, *others)

    write_difference(whole, below, tmp_path / "layer.tar")

    assert names(tmp_path / "layer.tar") == ["./changed", "./new"]
    with tarfile.open(tmp_path / "layer.tar") as archive:
        content = archive.extractfile("./changed")
        assert content is not None
        assert content.read() == b"new"


@pytest.mark.parametrize("change", [{"mode": 0o755}, {"owner": 10001}])
def test_another_mode_or_owner_is_a_difference(tmp_path: Path, change: dict[str, int]) -> None:
    one = file(tmp_path, "/a", "x")
    write_difference(
        made(tmp_path, "whole", replace(one, **change)), [made(tmp_path, "below", one)], tmp_path / "layer.tar"
    )
    assert names(tmp_path / "layer.tar") == ["./a"]


def test_what_a_layer_cannot_say_is_an_error(tmp_path: Path) -> None:
    below = made(tmp_path, "below", file(tmp_path, "/gone", "x"))
    with pytest.raises(LabError, match=r"removed \./gone"):
        write_difference(made(tmp_path, "whole"), [below], tmp_path / "layer.tar")


def test_equal_files_are_equal_layers_whoever_makes_them_when(tmp_path: Path) -> None:
    files = [file(tmp_path, "/b", "x"), file(tmp_path, "/a", "y", 0o755), LayerFile("/data", None, 0o755, 999)]
    one, two = made(tmp_path, "one", *files), made(tmp_path, "two", *reversed(files))
    assert one.read_bytes() == two.read_bytes()


def test_a_recipes_digest_changes_with_everything_that_it_says_and_with_what_lies_below() -> None:
    assert JAVA.below is not None
    others = [
        replace(JAVA, packages=("openjdk-21-jre-headless",)),
        replace(JAVA, before=""),
        replace(JAVA, without=()),
        replace(JAVA, below=replace(JAVA.below, packages=("bash",))),
    ]
    assert len({JAVA.digest, *(other.digest for other in others)}) == 5
    assert JAVA.digest == replace(JAVA).digest


def test_an_image_that_was_published_is_where_the_registry_looks(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    layer = made(tmp_path, "layer", file(tmp_path, "/a", "x"))
    content = layer.read_bytes()
    blob = storage.take(layer)
    manifest = {"config": {"digest": storage.keep(b"{}")}, "layers": [{"digest": blob}]}
    digest = storage.publish("team/app", "1", manifest)

    assert blob == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert storage.blob(blob).read_bytes() == content
    assert f"sha256:{hashlib.sha256(storage.blob(digest).read_bytes()).hexdigest()}" == digest
    tag = tmp_path / "storage/docker/registry/v2/repositories/team/app/_manifests/tags/1/current/link"
    assert tag.read_text() == digest
    moved = storage.publish("team/app", "1", {**manifest, "annotations": {"a": "b"}})
    assert tag.read_text() == moved != digest
    assert storage.blob(digest).exists()


def test_images_share_their_base() -> None:
    assert len({image.packages.chain[0] for image in SERVICE_IMAGES}) == 1
