"""Reading ``images.yaml``, and what in it must be replaced before real servers are touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fleet.configuration.placeholders import DOCUMENTATION_DOMAINS
from fleet.model.document import read_document
from fleet.model.images import IMAGES_FILE, KEYS, Image, Images
from fleet.model.problems import Problem
from fleet.model.validation import at, validate

_HINTS = {"tag": 'a tag of digits and dots is read as a number unless it stands in quotes: tag: "8.0"'}


def read_images(root: Path) -> tuple[Images, tuple[Problem, ...]]:
    """The images, and every problem of the file.

    A folder without the file has none: that is no problem until something is deployed, and says so then.
    """
    path = root / IMAGES_FILE
    if not path.exists():
        return Images(), ()
    document, problems = read_document(path)
    if document is None:
        return Images(), problems
    found = list(problems)
    images = {}
    for key, value in document.values.items():
        image, wrong = validate(Image, document, (key,), value, hints=_HINTS)
        found += wrong
        if image is not None:
            images[key] = image
    allowed = "a mapping with repository, tag, digest"
    found += [at(document, (key,), None, "is missing", allowed) for key in KEYS if key not in document.values]
    return Images(images), tuple(found)


def placeholder_images(images: Images) -> Iterator[Problem]:
    """Images that are nobody's, and images that a deploy would refuse."""
    if not images.by_key:
        yield Problem(IMAGES_FILE, "", None, "does not exist: no bundle can be deployed", f"images: {', '.join(KEYS)}")
    nobodys = [key for key, image in images.by_key.items() if _is_documentation(image)]
    if nobodys:
        names = "a documentation name stands for your registry"
        yield Problem(IMAGES_FILE, ", ".join(nobodys), None, names, "the repository that you publish to, and its tag")
    if unpinned := [key for key in images.unpinned() if key not in nobodys]:
        run = f"run: fleet images pin {' '.join(unpinned)}"
        yield Problem(IMAGES_FILE, ", ".join(unpinned), None, "without a digest: a tag is not deployed", "", run)


def _is_documentation(image: Image) -> bool:
    host = image.registry.partition(":")[0]
    return any(host == name or host.endswith(f".{name}") for name in DOCUMENTATION_DOMAINS)
