"""The map as a self-contained SVG."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

from fleet.catalogue.round_trips import Basis
from fleet.latency.known import Known
from fleet.map.chart import Chart, Region, Served
from fleet.map.labels import LETTER, Sheet
from fleet.map.projection import Frame, Point, frame_around, great_circle

LAND = Path(__file__).parent / "land.json"

WIDTH = 1280
TOP = 64
PAD = 24
HEAD = "Served from (ms: estimated round trip)"
LINE = 19

PAPER, SEA, SHORE, INK, MUTED = "#ffffff", "#eaf1f6", "#d3dbe2", "#1f2933", "#5b6876"
LINK, REGION, VENUE = "#2f6fab", "#17518a", "#c2410c"

MATRIX_CELL, MATRIX_HEAD = 50, 52


def draw(chart: Chart) -> str:
    """The picture."""
    places = [region.place for region in chart.regions] + list(chart.hosts.values())
    frame = frame_around(places, WIDTH)
    below = TOP + frame.height + 34
    table, table_height = _table(chart, below)
    matrix, matrix_height = _matrix(chart, below)
    height = below + max(table_height, matrix_height) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        'font-family="system-ui, -apple-system, Segoe UI, sans-serif" font-size="13">',
        f"<title>{escape(chart.fleet)}: regions, mesh and venues</title>",
        f'<rect width="{WIDTH}" height="{height:g}" fill="{PAPER}"/>',
        *_heading(chart),
        f'<svg x="0" y="{TOP}" width="{WIDTH}" height="{frame.height:g}">',
        f'<rect width="{WIDTH}" height="{frame.height:g}" fill="{SEA}"/>',
        f'<path d="{_land(frame)}" fill="{SHORE}"/>',
        *_on_the_map(chart, frame),
        "</svg>",
        *table,
        *matrix,
        _text(PAD, height - 16, _caption(chart), MUTED, size=12),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heading(chart: Chart) -> Iterator[str]:
    costs = [region.monthly_usd for region in chart.regions]
    known = sum(cost for cost in costs if cost is not None)
    unpriced = sum(cost is None for cost in costs)
    regions = f"{len(chart.regions)} region" + ("s" if len(chart.regions) != 1 else "")
    total = f"{regions}, USD {known:,.2f} a month" + (f" and {unpriced} unpriced" if unpriced else "")
    yield _text(PAD, 30, chart.fleet, INK, size=21, weight="650")
    yield _text(PAD, 51, total, MUTED, size=14)
    x: float = WIDTH - PAD
    for words, mark in (
        ("venues", _diamond((0, 0), 6)),
        ("mesh link", f'<path d="M-10 0H8" stroke="{LINK}" stroke-width="2.5"/>'),
        ("region", f'<circle r="7" fill="{REGION}"/>'),
    ):
        x -= len(words) * 14 * LETTER
        yield _text(x, 41, words, INK, size=14)
        yield f'<g transform="translate({x - 16:g} 36)">{mark}</g>'
        x -= 46


def _on_the_map(chart: Chart, frame: Frame) -> Iterator[str]:
    at = {region.name: frame.point(region.place.longitude, region.place.latitude) for region in chart.regions}
    by_name = {region.name: region for region in chart.regions}
    sheet = Sheet(WIDTH, frame.height)
    for point in at.values():
        sheet.block(point, 10)
    standing = {region.place.name for region in chart.regions}
    hosts = {name: frame.point(place.longitude, place.latitude) for name, place in chart.hosts.items()}
    for name, point in hosts.items():
        if name not in standing:
            sheet.block(point, 8)
    labels = list(_labels(chart, at, hosts, sheet))
    words: list[str] = []
    for link in sorted(chart.links, key=lambda link: _of_the_hub(by_name, link.regions)):
        hub = _of_the_hub(by_name, link.regions)
        one, other = (by_name[name] for name in link.regions)
        pieces = list(great_circle(frame, one.place, other.place))
        dash = "" if link.basis is Basis.MEASURED else ' stroke-dasharray="6 4"'
        width, opacity = (2.2, 0.9) if hub else (1.2, 0.35)
        yield (
            f'<path d="{_path(pieces)}" fill="none" stroke="{LINK}" stroke-width="{width}" opacity="{opacity}"{dash}>'
            f"<title>{escape(one.name)} - {escape(other.name)}: {link.ms:.0f} ms, {link.basis}</title></path>"
        )
        if hub:
            shown = [point for piece in pieces for point in piece if frame.holds(point)]
            spot = sheet.on_the_way(shown, f"{link.ms:.0f} ms", 13)
            if spot is not None:
                words.append(
                    _text(spot[0], spot[1] + 4.5, f"{link.ms:.0f} ms", LINK, anchor="middle", weight="600", halo=SEA)
                )
    for region in chart.regions:
        for served in region.serves:
            if served.place and served.active and hosts[served.place] != at[region.name]:
                pieces = list(great_circle(frame, region.place, chart.hosts[served.place]))
                yield (
                    f'<path d="{_path(pieces)}" fill="none" stroke="{VENUE}" stroke-width="1.5" opacity="0.7">'
                    f"<title>{escape(region.name)} serves {escape(served.title)}</title></path>"
                )
    for region in chart.regions:
        x, y = at[region.name]
        radius = 9 if region.is_hub else 7.5
        yield (f'<circle cx="{x:g}" cy="{y:g}" r="{radius}" fill="{REGION}" stroke="{PAPER}" stroke-width="1.5"/>')
    for point in hosts.values():
        yield _diamond(point, 5)
    yield from words
    yield from labels


def _labels(chart: Chart, at: dict[str, Point], hosts: dict[str, Point], sheet: Sheet) -> Iterator[str]:
    """Those of regions first; places of venues without a region take what is left."""
    standing = {region.place.name for region in chart.regions}
    for region in sorted(chart.regions, key=lambda region: not region.is_hub):
        lines = (f"{region.name} · {region.place.title}", _money(region))
        yield from _label(sheet, at[region.name], lines, INK)
    for name, point in hosts.items():
        if name not in standing:
            count = len({one.name for region in chart.regions for one in region.serves if one.place == name})
            venues = f"{count} venue" + ("s" if count != 1 else "")
            yield from _label(sheet, point, (chart.hosts[name].title, venues), VENUE)


def _label(sheet: Sheet, point: Point, lines: Sequence[str], colour: str) -> Iterator[str]:
    spot = sheet.spot(point, lines, 14, 13)
    if spot.leads:
        near_x = min(max(point[0], spot.box.left), spot.box.right)
        near_y = min(max(point[1], spot.box.top), spot.box.bottom)
        yield f'<path d="M{point[0]:g} {point[1]:g}L{near_x:g} {near_y:g}" stroke="{colour}" stroke-width="1"/>'
    for number, line in enumerate(lines):
        weight, size = ("650", 14) if number == 0 else ("400", 13)
        yield _text(
            spot.x, spot.y + 13 + number * 16.5, line, colour, anchor=spot.anchor, size=size, weight=weight, halo=SEA
        )


def _table(chart: Chart, top: float) -> tuple[list[str], float]:
    """For each region what it serves, left below the map; and how high that is."""
    wide = WIDTH - 2 * PAD - _matrix_width(chart) - 40
    head = "Served from (ms: estimated round trip; *: measured)" if _to_venues(chart) else HEAD
    parts = [_text(PAD, top, head, INK, size=14, weight="650")]
    y = top + 8.0
    for region in chart.regions:
        parts.append(_text(PAD, y + LINE, region.name, REGION, weight="650"))
        for line in _wrapped(_venues(region), wide - 52):
            y += LINE
            parts.append(_text(PAD + 52, y, line, INK))
        y += 4
    return parts, y - top


def _venues(region: Region) -> list[str]:
    words = [
        one.title + (f" {_ms(one)}" if one.ms is not None else "") + ("" if one.active else " (standby)")
        for one in region.serves
    ]
    return words or ["no venues"]


def _ms(served: Served) -> str:
    return f"{served.ms:.0f}*" if served.measured else f"{served.ms:g}"


def _to_venues(chart: Chart) -> list[Known]:
    """What was measured to venues."""
    return [one.measured for region in chart.regions for one in region.serves if one.measured]


def _wrapped(words: Sequence[str], width: float) -> Iterator[str]:
    line = ""
    for word in words:
        longer = f"{line} · {word}" if line else word
        if line and len(longer) * 13 * LETTER > width:
            yield line
            longer = word
        line = longer
    yield line


def _matrix_width(chart: Chart) -> float:
    return MATRIX_HEAD + MATRIX_CELL * len(chart.regions)


def _matrix(chart: Chart, top: float) -> tuple[list[str], float]:
    """Every link's round trip, right below the map; and how high that is."""
    left = WIDTH - PAD - _matrix_width(chart)
    parts = [_text(left, top, "Mesh round trips, ms", INK, size=14, weight="650")]
    if any(link.basis is Basis.MEASURED for link in chart.links):
        parts.append(_text(WIDTH - PAD, top, "bold: measured", MUTED, anchor="end"))
    links = {frozenset(link.regions): link for link in chart.links}
    names = [region.name for region in chart.regions]
    for column, name in enumerate(names):
        x = left + MATRIX_HEAD + MATRIX_CELL * (column + 1) - 6
        parts.append(_text(x, top + 8 + LINE, name, REGION, anchor="end", weight="650"))
    for row, name in enumerate(names):
        y = top + 8 + LINE * (row + 2) + 2
        parts.append(_text(left, y, name, REGION, weight="650"))
        for column, other in enumerate(names):
            x = left + MATRIX_HEAD + MATRIX_CELL * (column + 1) - 6
            link = links.get(frozenset((name, other)))
            if link is None:
                parts.append(_text(x, y, "-", MUTED, anchor="end"))
                continue
            weight = "700" if link.basis is Basis.MEASURED else "400"
            parts.append(_text(x, y, f"{link.ms:.0f}", INK, anchor="end", weight=weight))
    return parts, 8.0 + LINE * (len(names) + 2)


def _caption(chart: Chart) -> str:
    measured = sum(link.basis is Basis.MEASURED for link in chart.links)
    if measured == len(chart.links) and measured:
        said = "Links: measured round trips."
    elif measured:
        said = f"Links: {measured} of {len(chart.links)} measured (whole lines), the others are estimates (dashed)."
    else:
        said = "Links (dashed): round trips are estimates from published tables and distances; none is measured."
    if any(one.simulated for one in _to_venues(chart)):
        said = f"SIMULATED: round trips to venues were measured in a lab. {said}"
    return f"{said} Costs by price lists. Coastlines: Natural Earth, public domain."


def _money(region: Region) -> str:
    return "unpriced" if region.monthly_usd is None else f"USD {region.monthly_usd:,.2f} a month"


def _of_the_hub(regions: dict[str, Region], pair: tuple[str, str]) -> bool:
    return any(regions[name].is_hub for name in pair)


@cache
def _rings() -> tuple[tuple[Point, ...], ...]:
    rings = json.loads(LAND.read_text(encoding="utf-8"))["rings"]
    return tuple(
        tuple((float(east), float(north)) for east, _, north in (pair.partition(",") for pair in ring.split()))
        for ring in rings
    )


def _land(frame: Frame) -> str:
    return "".join(
        "M" + "L".join(f"{x:g} {y:g}" for x, y in (frame.point(*point) for point in ring)) + "Z" for ring in _rings()
    )


def _diamond(point: Point, size: float) -> str:
    x, y = point
    return (
        f'<path d="M{x:g} {y - size:g}L{x + size:g} {y:g}L{x:g} {y + size:g}L{x - size:g} {y:g}Z" fill="{VENUE}" '
        f'stroke="{PAPER}" stroke-width="1"/>'
    )


def _text(
    x: float,
    y: float,
    words: str,
    colour: str,
    *,
    anchor: str = "start",
    size: float = 13,
    weight: str = "400",
    halo: str = "",
) -> str:
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" font-weight="{weight}"'
    # A halo is a text of its own: not every viewer knows paint-order.
    around = (
        f'<text {place} fill="none" stroke="{halo}" stroke-width="4" stroke-linejoin="round">{escape(words)}</text>'
    )
    return (around if halo else "") + f'<text {place} fill="{colour}">{escape(words)}</text>'


def _path(pieces: Sequence[Sequence[Point]]) -> str:
    return " ".join("M" + "L".join(f"{x:g} {y:g}" for x, y in piece) for piece in pieces)
