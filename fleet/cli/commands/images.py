"""``fleet images``: which images the fleet runs, by which digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

if TYPE_CHECKING:
    from fleet.model.images import Image

app = typer.Typer(name="images", help="Which container images the fleet runs, by which digests.", no_args_is_help=True)
SHOWN = len("sha256:") + 12
"""Characters of a digest that a table shows."""


@app.command("list")
def list_images(root: Root = None, json: Json = False) -> None:
    """Every image of images.yaml. Asks no registry."""
    from fleet.images.pin import read

    images = read(Context(root).root).by_key
    if json:
        print_json({key: image.model_dump() for key, image in images.items()})
        return
    rows = [
        (key, image.tagged, (image.digest or "not pinned")[:SHOWN], _size(image.size_mb), _follows(image))
        for key, image in images.items()
    ]
    print_table("Images", ("key", "image", "digest", "download", ""), rows)


def _size(megabytes: int | None) -> str:
    return "-" if megabytes is None else f"{megabytes} MB"


def _follows(image: Image) -> str:
    return "follows its tag" if image.follow else ""


@app.command()
def pin(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of images.yaml; default: every image.")] = None,
    root: Root = None,
    json: Json = False,
) -> None:
    """Ask the registries which digests the tags mean now and how large they are, and write that to images.yaml.

    Logins are those of docker login. Nothing is written unless every registry answered.
    """
    from fleet.images.pin import pin as ask_and_write

    pins = ask_and_write(Context(root).root, keys or ())
    if json:
        facts = [
            {"key": p.key, "image": p.image.tagged, "old": p.image.digest, "new": p.digest, "size_mb": p.size_mb}
            for p in pins
        ]
        print_json(facts)
        return
    for made in pins:
        before = (made.image.digest or "not pinned")[:SHOWN]
        after = f"{before} -> {made.digest[:SHOWN]}" if made.changed else f"{before} (as before)"
        print(f"{made.key}: {made.image.tagged}: {after}, {_size(made.size_mb)} to download")
    changed = sum(made.changed for made in pins)
    print(f"{changed} of {len(pins)} changed" + ("; it reaches the hosts with the next: fleet up" if changed else ""))
