"""Writing a picture that was drawn as SVG: as it is, or as PNG, by what its file is called."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".svg", ".png")

SCALE = 2
"""Pixels of a PNG for each unit of the drawing: sharp on dense screens, and where a page shrinks it."""

SANS_SERIF = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Open Sans", "Helvetica", "Arial", "Segoe UI")
"""Fonts that machines have, one of Debian's first; the library that draws asks no system which one is the default."""


class NoFont(Exception):
    """A PNG cannot be drawn: this machine has none of the fonts; the text says what to do."""

    exit_code = 4


def is_picture(path: Path) -> bool:
    """Whether a file's name asks for a picture that can be written."""
    return path.suffix.lower() in SUFFIXES


def write_picture(path: Path, svg: str) -> None:
    """Write a drawing.

    Args:
        path: its suffix is one of ``SUFFIXES``.
        svg: with a ``viewBox`` that says its size.

    Raises:
        NoFont: it is to be a PNG, and there is no font; nothing is written.
    """
    if path.suffix.lower() == ".png":
        path.write_bytes(as_png(svg))
    else:
        path.write_text(svg, encoding="utf-8")


def as_png(svg: str) -> bytes:
    """A drawing as PNG, ``SCALE`` times its size.

    Raises:
        NoFont: its words could not be drawn.
    """
    # Only here: SVG is written without the library.
    from resvg_py import svg_to_bytes

    return svg_to_bytes(svg_string=svg, zoom=SCALE, sans_serif_family=_font())


def _font() -> str:
    """The first of the fonts that draws a letter."""
    from resvg_py import svg_to_bytes

    sheet = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" font-family="sans-serif">{}</svg>'
    empty = svg_to_bytes(svg_string=sheet.format(""))
    for name in SANS_SERIF:
        letter = sheet.format('<text y="15">M</text>')
        if svg_to_bytes(svg_string=letter, sans_serif_family=name) != empty:
            return name
    raise NoFont(
        f"no font to write a PNG's words with (looked for {', '.join(SANS_SERIF)}): install one "
        "(Debian: apt-get install fonts-dejavu-core), or write an .svg"
    )
