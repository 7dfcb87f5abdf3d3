"""The comparison as a picture: for each venue a line from before to after, with the tail of each and the floor."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, floor, log10

from fleet.latency.comparison import COMPARED, Compared, Comparison
from fleet.latency.simulated import SIMULATED
from fleet.latency.text import KINDS, ms

WIDTH = 920
LEFT, RIGHT, TOP, BOTTOM = 210, 120, 84, 40
ROW = 30
TICKS = (1, 2, 5)

INK, MUTED, GRID, PAPER = "#1f2933", "#616e7c", "#e4e7eb", "#ffffff"
BEFORE, AFTER, FLOOR = "#9aa5b1", "#c2410c", "#2f6fab"


def plot(found: Comparison) -> str:
    """A self-contained SVG; the scale of the milliseconds is logarithmic."""
    rows = list(_one_a_venue(found))
    height = TOP + ROW * max(1, len(rows)) + BOTTOM
    values = [value for row in rows for value in _values(row)]
    low = 10 ** floor(log10(max(0.1, min(values, default=1.0))))
    high = 10 ** ceil(log10(max(low * 10, max(values, default=10.0))))

    def x(value: float) -> float:
        share = (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        "<title>Latency before and after</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        _text(16, 26, f"Latency before ({found.before.region}) and after", INK, size=17, weight="600"),
        _text(16, 46, "dot: p50; line to the right of it: p95; ms, logarithmic", MUTED),
        *_legend(),
    ]
    if found.simulated:
        parts.append(_text(16, 66, SIMULATED, AFTER, weight="600"))
    tick = low
    while tick <= high:
        for step in TICKS:
            if tick * step <= high:
                at = x(tick * step)
                parts.append(f'<path d="M{at} {TOP}V{height - BOTTOM}" stroke="{GRID}"/>')
                parts.append(_text(at, height - BOTTOM + 20, f"{tick * step:g}", MUTED, anchor="middle"))
        tick *= 10
    for number, row in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        parts.append(_text(LEFT - 12, y + 4, row.venue, INK, anchor="end"))
        for side, colour, lift in ((row.before, BEFORE, -4), (row.after, AFTER, 4)):
            if side.p50 is None:
                continue
            if side.p95 is not None:
                parts.append(f'<path d="M{x(side.p50)} {y + lift}H{x(side.p95)}" stroke="{colour}" stroke-width="2"/>')
            parts.append(f'<circle cx="{x(side.p50)}" cy="{y + lift}" r="5" fill="{colour}"/>')
        if row.floor_ms is not None and row.floor_ms >= low:
            at = x(row.floor_ms)
            parts.append(f'<path d="M{at} {y - 10}V{y + 10}" stroke="{FLOOR}" stroke-width="2"/>')
        words = f"{ms(row.before.p50)} → {ms(row.after.p50)}"
        parts.append(f"<g><title>{escape(_words(row))}</title>{_text(WIDTH - RIGHT + 12, y + 4, words, INK)}</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _one_a_venue(found: Comparison) -> Iterator[Compared]:
    """For each venue the row of the best kind, the first of its endpoints."""
    best: dict[str, Compared] = {}
    for row in found.rows:
        known = best.get(row.venue)
        if known is None or COMPARED.index(row.kind) < COMPARED.index(known.kind):
            best[row.venue] = row
    yield from best.values()


def _values(row: Compared) -> Iterator[float]:
    for value in (row.before.p50, row.before.p95, row.after.p50, row.after.p95):
        if value is not None:
            yield value


def _words(row: Compared) -> str:
    improved = row.improved["p50"]
    share = "too few samples" if improved is None else str(improved)
    return f"{row.venue}, {KINDS[row.kind]}: {row.before_from} to {row.after_from}, p50 improved by {share}"


def _legend() -> Iterator[str]:
    x = WIDTH - 16
    for words, colour in (("floor", FLOOR), ("after", AFTER), ("before", BEFORE)):
        x -= 8 * len(words)
        yield _text(x, 26, words, INK)
        yield f'<circle cx="{x - 10}" cy="22" r="5" fill="{colour}"/>'
        x -= 34


def _text(
    x: float, y: float, words: str, colour: str, *, anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
