"""From degrees to the sheet: an equidistant projection, cut to what has to be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin, sqrt

from fleet.catalogue.catalogue import Place

STRETCH = 1.18
"""North to south, of a degree: true to shape at 32 degrees, between the fleet's places."""
MARGIN_EAST, MARGIN_NORTH = 20.0, 13.0
LEAST_EAST, LEAST_NORTH = 90.0, 40.0
"""Degrees that are shown at the least, so that a small fleet has a continent around it."""
STEPS = 96
"""Points of a great circle."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """A part of the world on a part of the sheet."""

    west: float
    east: float
    south: float
    north: float
    width: float
    """Pixels."""

    @property
    def scale(self) -> float:
        """Pixels of a degree east."""
        return self.width / (self.east - self.west)

    @property
    def height(self) -> float:
        """Pixels."""
        return (self.north - self.south) * self.scale * STRETCH

    def point(self, longitude: float, latitude: float) -> Point:
        """Pixels from the upper left corner."""
        return (
            round((longitude - self.west) * self.scale, 1),
            round((self.north - latitude) * self.scale * STRETCH, 1),
        )

    def holds(self, point: Point) -> bool:
        """Whether a point is on it."""
        return 0 <= point[0] <= self.width and 0 <= point[1] <= self.height


def frame_around(places: Iterable[Place], width: float) -> Frame:
    """The frame that shows these places."""
    seen = list(places)
    west, east = _span([place.longitude for place in seen], MARGIN_EAST, LEAST_EAST, 180)
    south, north = _span([place.latitude for place in seen], MARGIN_NORTH, LEAST_NORTH, 85)
    return Frame(west, east, south, north, width)


def great_circle(frame: Frame, start: Place, end: Place) -> Iterator[list[Point]]:
    """The shortest way between two places, in pieces: cut where it leaves one side of the map for the other."""
    piece: list[Point] = []
    last: float | None = None
    for longitude, latitude in _way(start, end):
        if last is not None and abs(longitude - last) > 180:
            yield piece
            piece = []
        piece.append(frame.point(longitude, latitude))
        last = longitude
    yield piece


def _way(start: Place, end: Place) -> Iterator[Point]:
    a, b = _vector(start), _vector(end)
    angle = 2 * asin(min(1.0, sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True))) / 2))
    if angle == 0:
        yield start.longitude, start.latitude
        return
    for step in range(STEPS + 1):
        part = step / STEPS
        one, other = sin((1 - part) * angle) / sin(angle), sin(part * angle) / sin(angle)
        x, y, z = (one * p + other * q for p, q in zip(a, b, strict=True))
        yield degrees(atan2(y, x)), degrees(atan2(z, sqrt(x * x + y * y)))


def _vector(place: Place) -> tuple[float, float, float]:
    longitude, latitude = radians(place.longitude), radians(place.latitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _span(values: list[float], margin: float, least: float, limit: float) -> tuple[float, float]:
    low, high = min(values) - margin, max(values) + margin
    more = max(0.0, least - (high - low)) / 2
    return max(-limit, low - more), min(limit, high + more)
