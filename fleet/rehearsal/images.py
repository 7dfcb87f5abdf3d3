"""The images of a rehearsed fleet: the lab's own in place of the upstream ones and of the platform's services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from fleet.configuration.images import read_images
from fleet.model.images import IMAGES_FILE, KEYS
from fleet.model.problems import ConfigurationError

STAND_IN = "stand-in"
"""The lab's image that runs in place of every service of the platform."""
HEAD = "# The lab's images, pinned as its registry serves them. Written anew by each `fleet demo up`.\n"


def write_images(checkout: Path, project: Path, served: Mapping[str, str]) -> bool:
    """Write ``images.yaml`` of a project: the checkout's keys, the lab's images. False if it said so already.

    Args:
        served: the lab's images by name, each as ``registry/name:tag@digest``.

    Raises:
        ConfigurationError: the checkout's own file is not well-formed.
    """
    images, problems = read_images(checkout)
    if problems:
        raise ConfigurationError(problems)
    pinned = {key: _entry(served.get(key, served[STAND_IN])) for key in dict.fromkeys((*KEYS, *images.by_key))}
    text = HEAD + yaml.safe_dump(pinned, sort_keys=False)
    file = project / IMAGES_FILE
    if file.exists() and file.read_text() == text:
        return False
    file.write_text(text)
    return True


def _entry(image: str) -> dict[str, Any]:
    tagged, _, digest = image.partition("@")
    repository, _, tag = tagged.rpartition(":")
    return {"repository": repository, "tag": tag, "digest": digest}
