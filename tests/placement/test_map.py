"""``fleet map``: everything is on the picture, in its place, and estimates are said to be estimates."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from math import ceil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.catalogue.catalogue import Place
from fleet.catalogue.round_trips import load_round_trips
from fleet.map.labels import Sheet
from fleet.map.projection import frame_around, great_circle
from fleet.picture import SCALE
from tests.fleet.png import read_lines
from tests.said import Fleet

pytestmark = pytest.mark.unit

SVG = "{http://www.w3.org/2000/svg}"
REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo", "fra")


def texts(file: Path) -> list[str]:
    """Words that are seen: a halo is behind its word."""
    return [one.text or "" for one in ElementTree.parse(file).getroot().iter(f"{SVG}text") if one.get("fill") != "none"]


def titles(file: Path) -> list[str]:
    return [one.text or "" for one in ElementTree.parse(file).getroot().iter(f"{SVG}title")]


def test_regions_costs_links_and_venues_of_the_default_fleet(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "fleet.svg"
    assert fleet("map", str(file)).code == 0
    words = texts(file)
    for words_of_a_region in ("hub · Mexico City", "nj · New Jersey", "sg · Singapore", "USD 30.00 a month"):
        assert words_of_a_region in words
    assert any("Alpaca 6 · Coinbase 6" in line for line in words)
    assert any("Kraken 17 (standby)" in line for line in words)
    total = Decimal(fleet("cost", "--json").facts["monthly_usd"])
    assert f"7 regions, USD {total:,.2f} a month" in words
    for one, other in itertools.combinations(REGIONS, 2):
        assert any(title.startswith(f"{one} - {other}: ") for title in titles(file)), (one, other)
    assert "nj serves Alpaca" in titles(file)


def test_estimates_are_said_to_be_estimates(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "fleet.svg"
    fleet("map", str(file))
    assert "hub - nj: 61 ms, estimate" in titles(file)
    assert "hub - ldn: 127 ms, published" in titles(file)
    assert any("none is measured" in line for line in texts(file))


def test_measured_round_trips_take_the_place_of_estimates_and_are_said_to_be_measured(
    fleet: Fleet, tmp_path: Path
) -> None:
    links = [
        {"node": "hub", "peer": "nj", "rtt_median": 70.0},
        {"node": "nj", "peer": "hub", "rtt_median": 72.0},
        {"node": "nj", "peer": "sg", "rtt_median": None},
    ]
    mesh, file = tmp_path / "mesh.json", tmp_path / "fleet.svg"
    mesh.write_text(json.dumps({"links": links, "silent": {}, "problems": []}))
    assert fleet("map", str(file), "--mesh", str(mesh)).code == 0
    assert "hub - nj: 71 ms, measured" in titles(file)
    assert any("1 of 21 measured" in line for line in texts(file))


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"links": [{}]}', '{"links": [{"node": "a", "peer": "b", "rtt_median": "x"}]}']
)
def test_a_mesh_file_that_is_none_is_refused(fleet: Fleet, tmp_path: Path, content: str | None) -> None:
    mesh = tmp_path / "mesh.json"
    if content is not None:
        mesh.write_text(content)
    said = fleet("map", str(tmp_path / "fleet.svg"), "--mesh", str(mesh))
    assert said.code == 2
    assert str(mesh) in said.err
    assert not (tmp_path / "fleet.svg").exists()


def test_only_svg_and_png_are_written(fleet: Fleet, tmp_path: Path) -> None:
    said = fleet("map", str(tmp_path / "fleet.jpg"))
    assert said.code == 2
    assert "ends in neither .svg nor .png" in said.err


def test_the_map_as_png_is_the_same_picture(fleet: Fleet, tmp_path: Path) -> None:
    svg, png = tmp_path / "fleet.svg", tmp_path / "fleet.png"
    assert fleet("map", str(svg)).code == 0
    assert fleet("map", str(png)).code == 0
    _, _, width, height = map(float, ElementTree.parse(svg).getroot().attrib["viewBox"].split())
    seen = read_lines(png.read_bytes())
    assert (seen.width, seen.height) == (ceil(width) * SCALE, ceil(height) * SCALE)
    # Where there are coasts, links and words, lines of pixels differ; those of a blank sheet do not.
    assert len(set(seen.lines)) > seen.height / 2


def test_places_that_are_apart_are_apart_on_the_map_and_north_is_up() -> None:
    places = load_round_trips().places
    frame = frame_around([places[name] for name in ("cdmx", "tokyo", "london", "singapore")], 1280)
    at = {
        name: frame.point(places[name].longitude, places[name].latitude)
        for name in ("cdmx", "tokyo", "london", "singapore")
    }
    assert all(frame.holds(point) for point in at.values())
    assert at["cdmx"][0] < at["london"][0] < at["singapore"][0] < at["tokyo"][0]
    assert at["london"][1] < at["tokyo"][1] < at["cdmx"][1] < at["singapore"][1]


COORDINATES = st.tuples(st.floats(-80, 80), st.floats(-179, 179))


@given(one=COORDINATES, other=COORDINATES)
def test_a_way_between_two_places_never_crosses_the_sheet(one: tuple[float, float], other: tuple[float, float]) -> None:
    """Over the date line it is cut in two, one piece at each side."""
    row = {"source": "drawn by hypothesis", "as_of": "2026-11-22"}
    start, end = (
        Place.model_validate({**row, "name": name, "title": name, "latitude": at[0], "longitude": at[1]})
        for name, at in (("start", one), ("end", other))
    )
    frame = frame_around([start, end], 1000)
    pieces = list(great_circle(frame, start, end))
    assert len(pieces) <= 3
    for piece in pieces:
        for (x, _), (next_x, _) in itertools.pairwise(piece):
            assert abs(next_x - x) <= 180 * frame.scale + 0.2


@given(right=st.integers(0, 60), down=st.integers(0, 40))
def test_labels_of_two_marks_keep_off_both_and_off_each_other(right: int, down: int) -> None:
    """In the middle of an empty sheet there is room for both, however near the marks are."""
    sheet = Sheet(1000, 600)
    marks = [(500.0, 300.0), (500.0 + right, 300.0 + down)]
    for mark in marks:
        sheet.block(mark, 8)
    for mark in marks:
        taken = tuple(sheet.taken)
        box = sheet.spot(mark, ("nj", "USD 51"), 14, 13).box
        assert not any(box.meets(other) for other in taken)


def test_a_label_at_the_edge_stays_on_the_sheet() -> None:
    box = Sheet(1000, 600).spot((995.0, 300.0), ("a long label",), 14, 13).box
    assert box.right <= 1000
