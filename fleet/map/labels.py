"""Where words go on a crowded sheet: each label takes the first place around its point that nothing else has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fleet.map.projection import Point

LETTER = 0.56
"""How wide a letter is, of the size of the type, about."""

AROUND = (
    ("start", 1.0, 0.0),
    ("end", -1.0, 0.0),
    ("middle", 0.0, -1.0),
    ("middle", 0.0, 1.0),
    ("start", 0.8, -0.9),
    ("start", 0.8, 0.9),
    ("end", -0.8, -0.9),
    ("end", -0.8, 0.9),
    ("start", 2.2, -2.0),
    ("start", 2.2, 2.0),
    ("end", -2.2, -2.0),
    ("end", -2.2, 2.0),
)
"""Anchor and direction, the best first; the last ones stand off so far that a line leads to the point."""
FAR = 1.5


@dataclass(frozen=True)
class Box:
    """A part of the sheet."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether they share any of it."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class Spot:
    """Where a label stands: its anchor, and the top of its first line."""

    x: float
    y: float
    anchor: str
    leads: bool
    """So far from its point that a line must lead there."""
    box: Box


@dataclass
class Sheet:
    """What is taken."""

    width: float
    height: float
    taken: list[Box] = field(default_factory=list)

    def block(self, point: Point, radius: float) -> None:
        """Keep words off a mark."""
        x, y = point
        self.taken.append(Box(x - radius, y - radius, x + radius, y + radius))

    def spot(self, point: Point, lines: Sequence[str], size: float, gap: float) -> Spot:
        """Take the first free place around a point; the first one of all where none is free."""
        width = max(len(line) for line in lines) * size * LETTER
        height = len(lines) * size * 1.2
        spots = [self._at(point, anchor, right, down, width, height, gap) for anchor, right, down in AROUND]
        found = next((spot for spot in spots if self._is_free(spot.box)), spots[0])
        self.taken.append(found.box)
        return found

    def on_the_way(self, points: Sequence[Point], words: str, size: float) -> Point | None:
        """A free place for a word on a line, as near to its middle as can be; None where there is none."""
        half = len(words) * size * LETTER / 2 + 2
        for at in sorted(range(len(points)), key=lambda index: abs(index - len(points) / 2)):
            x, y = points[at]
            box = Box(x - half, y - size * 0.7, x + half, y + size * 0.7)
            if self._is_free(box):
                self.taken.append(box)
                return x, y
        return None

    def _is_free(self, box: Box) -> bool:
        inside = box.left >= 0 and box.top >= 0 and box.right <= self.width and box.bottom <= self.height
        return inside and not any(box.meets(other) for other in self.taken)

    @staticmethod
    def _at(point: Point, anchor: str, right: float, down: float, width: float, height: float, gap: float) -> Spot:
        x, y = point[0] + right * gap, point[1] + down * gap
        left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
        top = y - height / 2 if down == 0 else (y - height if down < 0 else y)
        return Spot(x, top, anchor, max(abs(right), abs(down)) > FAR, Box(left, top, left + width, top + height))
