"""For development: images whose digest is found out anew before each ``fleet up``, and said aloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fleet.configuration.images import read_images

Progress = Callable[[str, str], None]


def follow_tags(root: Path, progress: Progress) -> None:
    """Pin the images with ``follow: true``; without any, nothing is read but the file.

    Raises:
        NotPinned: a registry did not tell; nothing is written then.
    """
    # What is wrong with the file is told with all other problems, by whoever loads the configuration.
    following = read_images(root)[0].following()
    if not following:
        return
    from fleet.images.pin import pin

    for made in pin(root, following):
        what = f"now {made.digest}" if made.changed else "as before"
        progress("images", f"DEVELOPMENT: {made.key} follows the tag {made.image.tagged}: {what}")
