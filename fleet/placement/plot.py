"""Cost against latency as a picture: the front as steps, and what others had in mind as points beside it."""

from __future__ import annotations

from html import escape
from math import ceil

from fleet.placement.answer import Answer

WIDTH, HEIGHT = 860, 480
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 60, 60
STEPS = (1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000)
TICKS = 6
LETTER = 7.2
"""How wide a letter is, about."""

INK, MUTED, GRID, PAPER = "#1f2933", "#616e7c", "#e4e7eb", "#ffffff"
FRONT, ANSWER, OTHERS = "#2f6fab", "#c2410c", "#616e7c"


def plot(answer: Answer) -> str:
    """A self-contained SVG."""
    others = [row for row in answer.beside if row.plan is not None]
    plans = [*answer.front, answer.best, *(row.plan for row in others if row.plan is not None)]
    x_step, x_end = _scale(max(float(plan.monthly_usd) for plan in plans))
    y_step, y_end = _scale(max(plan.score_ms for plan in plans))

    def x(usd: float) -> float:
        return round(LEFT + usd / x_end * (WIDTH - LEFT - RIGHT), 1)

    def y(ms: float) -> float:
        return round(HEIGHT - BOTTOM - ms / y_end * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>Monthly cost against latency ({escape(str(answer.question.objective))})</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        _text(LEFT, 26, "What a month buys", INK, size=17, weight="600"),
        _text(LEFT, 45, f"{answer.question.objective} round trip to the venues, by what all servers cost", MUTED),
    ]
    for number in range(round(x_end / x_step) + 1):
        usd = number * x_step
        parts.append(f'<path d="M{x(usd)} {TOP}V{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
        parts.append(_text(x(usd), HEIGHT - BOTTOM + 20, f"{usd:g}", MUTED, anchor="middle"))
    for number in range(round(y_end / y_step) + 1):
        ms = number * y_step
        parts.append(f'<path d="M{LEFT} {y(ms)}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 10, y(ms) + 4, f"{ms:g}", MUTED, anchor="end"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 14, "USD a month", MUTED, anchor="end"))
    parts.append(_text(22, TOP + 14, "ms", MUTED))
    budget = answer.asked.problem.budget_usd
    if budget is not None and float(budget) <= x_end:
        parts.append(f'<path d="M{x(float(budget))} {TOP}V{HEIGHT - BOTTOM}" stroke="{MUTED}" stroke-dasharray="4 4"/>')
        parts.append(_text(x(float(budget)) - 6, TOP + 14, f"budget {budget:g}", MUTED, anchor="end"))
    path = ""
    for plan in answer.front:
        across = x(float(plan.monthly_usd))
        path += f"H{across}V{y(plan.score_ms)}" if path else f"M{across} {y(plan.score_ms)}"
    parts.append(f'<path d="{path}" fill="none" stroke="{FRONT}" stroke-width="2"/>')
    for plan in answer.front:
        names = ", ".join(answer.asked.offers[number].place for number in plan.opened)
        parts.append(
            f'<circle cx="{x(float(plan.monthly_usd))}" cy="{y(plan.score_ms)}" r="4.5" fill="{FRONT}">'
            f"<title>{escape(names)}: USD {plan.monthly_usd}, {plan.score_ms:.1f} ms</title></circle>"
        )
    for row in others:
        assert row.plan is not None
        parts.append(
            f'<rect x="{x(float(row.plan.monthly_usd)) - 5}" y="{y(row.plan.score_ms) - 5}" width="10" height="10" '
            f'fill="{PAPER}" stroke="{OTHERS}" stroke-width="2"/>'
        )
    best_x, best_y = x(float(answer.best.monthly_usd)), y(answer.best.score_ms)
    parts.append(f'<circle cx="{best_x}" cy="{best_y}" r="7" fill="{ANSWER}" stroke="{PAPER}" stroke-width="2"/>')
    labels = [(row.plan.monthly_usd, row.plan.score_ms, row.name, INK) for row in others if row.plan is not None]
    labels.append((answer.best.monthly_usd, answer.best.score_ms, "the answer", ANSWER))
    # From the dearest: each label stands higher than the one right of it, with a line down to its point.
    level = 0.0
    for amount, score, name, colour in sorted(labels, key=lambda label: -label[0]):
        at_x, at_y = x(float(amount)), y(score)
        level = min(at_y - 28, level - 22) if level else at_y - 28
        level = max(level, TOP + 30)
        words = f"{name}: {score:.1f} ms, {amount:g} USD"
        anchor = "end" if at_x + len(words) * LETTER > WIDTH - RIGHT else "start"
        parts.append(f'<path d="M{at_x} {at_y - 7}V{level + 4}" stroke="{colour}"/>')
        parts.append(
            _text(
                at_x + (-4 if anchor == "end" else 4),
                level,
                f"{name}: {score:.1f} ms, {amount:g} USD",
                colour,
                anchor=anchor,
            )
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _scale(largest: float) -> tuple[float, float]:
    """A step that gives at most ``TICKS`` of them, and the end of the axis."""
    step = next((step for step in STEPS if largest / step <= TICKS), STEPS[-1])
    return step, step * max(1, ceil(largest / step))


def _text(
    x: float, y: float, words: str, colour: str, *, anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
