"""``fleet map`` draws the fleet that the README shows."""

from __future__ import annotations

from pathlib import Path

from tests.said import Fleet

SHOWN = Path(__file__).parents[2] / "docs" / "fleet.svg"


def test_the_readme_shows_the_default_fleet_as_it_is_declared(fleet: Fleet, tmp_path: Path) -> None:
    drawn = tmp_path / "fleet.svg"
    assert fleet("map", str(drawn)).code == 0
    assert drawn.read_text() == SHOWN.read_text(), "draw it again: fleet map docs/fleet.svg"
