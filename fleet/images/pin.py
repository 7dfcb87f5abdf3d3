"""Pinning: the digests of tags and the sizes of images, written into images.yaml."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fleet.configuration.images import read_images
from fleet.images.credentials import Logins
from fleet.images.errors import NoSuchImage, NotPinned, RegistryError
from fleet.images.registry import Registries
from fleet.model.edit import set_scalar
from fleet.model.images import IMAGES_FILE, Image, Images
from fleet.model.nearest import nearest
from fleet.model.problems import ConfigurationError

AT_ONCE = 4


@dataclass(frozen=True)
class Pin:
    """What a tag means now, beside what images.yaml said before."""

    key: str
    image: Image
    """as it was"""
    digest: str
    size_mb: int
    """What a host downloads of it that has nothing of it, rounded up."""

    @property
    def changed(self) -> bool:
        return (self.image.digest, self.image.size_mb) != (self.digest, self.size_mb)


def pin(root: Path, keys: Iterable[str] = ()) -> tuple[Pin, ...]:
    """Ask the registries for the digests and sizes of images (of all if no key is given), and write what changed.

    Raises:
        ConfigurationError: images.yaml is not well-formed.
        NoSuchImage: a key is not in it.
        NotPinned: a registry did not tell; nothing is written then.
    """
    images = read(root)
    wanted = {key: images.by_key[key] for key in _known(images, keys)}
    pins = tuple(Pin(key, wanted[key], *found) for key, found in _ask(wanted).items())
    if any(made.changed for made in pins):
        _write(root / IMAGES_FILE, pins)
    return pins


def read(root: Path) -> Images:
    """The images of a fleet's folder.

    Raises:
        ConfigurationError: the file is missing or not well-formed.
    """
    images, problems = read_images(root)
    if problems:
        raise ConfigurationError(problems)
    if not images.by_key:
        raise NoSuchImage(f"there is no {IMAGES_FILE} in {root}, or it is empty")
    return images


def _known(images: Images, keys: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(keys)) or list(images.by_key)
    for key in wanted:
        if key not in images.by_key:
            hint = nearest(key, images.by_key) or f"there are: {', '.join(images.by_key)}"
            raise NoSuchImage(f"{IMAGES_FILE} has no image '{key}'; {hint}")
    return wanted


def _ask(wanted: Mapping[str, Image]) -> dict[str, tuple[str, int]]:
    """Digests and megabytes, by key; images that share a tag are asked for once."""
    with Registries(Logins.of_user()) as registries, ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {image.tagged: image for image in wanted.values()}
        futures = {tagged: pool.submit(_digest_and_size, registries, image) for tagged, image in asked.items()}
        found: dict[str, tuple[str, int]] = {}
        reasons: dict[str, str] = {}
        for key, image in wanted.items():
            try:
                found[key] = futures[image.tagged].result()
            except RegistryError as error:
                reasons[key] = str(error)
    if reasons:
        raise NotPinned(reasons)
    return found


def _digest_and_size(registries: Registries, image: Image) -> tuple[str, int]:
    digest = registries.digest(image)
    if digest == image.digest and image.size_mb is not None:
        return digest, image.size_mb
    return digest, math.ceil(registries.download_bytes(image, digest) / 1e6)


def _write(path: Path, pins: Iterable[Pin]) -> None:
    text = path.read_text(encoding="utf-8")
    for made in pins:
        if made.changed:
            text = set_scalar(text, (made.key, "digest"), made.digest)
            text = set_scalar(text, (made.key, "size_mb"), str(made.size_mb))
    candidate = path.with_name(f".{path.name}.{os.getpid()}")
    candidate.write_text(text, encoding="utf-8")
    candidate.chmod(path.stat().st_mode)
    candidate.replace(path)
