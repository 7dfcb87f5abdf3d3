"""``fleet map`` draws the fleet that the README shows."""

from __future__ import annotations

import re
from pathlib import Path

from tests.said import Fleet

SHOWN = Path(__file__).parents[2] / "docs" / "fleet.svg"


def test_the_readme_shows_the_default_fleet_as_it_is_declared(fleet: Fleet, tmp_path: Path) -> None:
    drawn = tmp_path / "fleet.svg"
    said = fleet("map", str(drawn))
    assert said.code == 0
    # Every day makes what the catalogue says older; the published round trips were old when they came into it.
    assert re.search(r"^stale: round trips: \d+ are \d+ days old \(Azure's published", said.err, re.MULTILINE)
    assert drawn.read_text() == SHOWN.read_text(), "draw it again: fleet map docs/fleet.svg"
