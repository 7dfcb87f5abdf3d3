"""Drawings become files: SVG as it is, PNG by pixels."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet import picture
from fleet.picture import SCALE, NoFont, as_png, is_picture, write_picture
from tests.fleet.png import read_png

pytestmark = pytest.mark.unit

BLUE, WHITE = (0x17, 0x51, 0x8A, 0xFF), (0xFF, 0xFF, 0xFF, 0xFF)


def drawing(inside: str) -> str:
    paper = '<rect width="40" height="20" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">{paper}{inside}</svg>'


def test_a_png_has_the_drawings_size_and_colours() -> None:
    seen = read_png(as_png(drawing('<rect x="10" y="5" width="20" height="10" fill="#17518a"/>')))
    assert (seen.width, seen.height) == (40 * SCALE, 20 * SCALE)
    assert seen.pixel(20 * SCALE, 10 * SCALE) == BLUE
    assert seen.pixel(9 * SCALE, 10 * SCALE) == WHITE
    blue = sum(seen.pixel(x, y) == BLUE for x in range(seen.width) for y in range(seen.height))
    assert blue == 20 * 10 * SCALE * SCALE


def test_words_are_drawn() -> None:
    seen = read_png(as_png(drawing('<text x="4" y="15" font-family="system-ui, sans-serif">nj</text>')))
    inked = [x for x in range(seen.width) for y in range(seen.height) if seen.pixel(x, y) != WHITE]
    assert min(inked) >= 4 * SCALE
    assert len(inked) > 20


def test_a_machine_without_fonts_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "SANS_SERIF", ("A font that nobody has",))
    with pytest.raises(NoFont, match="apt-get install fonts-dejavu-core"):
        write_picture(tmp_path / "a.png", drawing(""))
    assert not (tmp_path / "a.png").exists()
    write_picture(tmp_path / "a.svg", drawing(""))
    assert (tmp_path / "a.svg").read_text() == drawing("")


def test_the_name_of_a_file_says_what_it_is() -> None:
    assert [is_picture(Path(name)) for name in ("a.svg", "a.PNG", "a.jpg", "png")] == [True, True, False, False]
