"""An estimate as one self-contained HTML page: a chart by region, every row, budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape

from fleet.cost.budget import Verdict
from fleet.cost.estimate import Estimate
from fleet.cost.line import Line
from fleet.cost.money import NOTHING, text

KINDS = {
    "server": "#3b6ea5",
    "address": "#d98e04",
    "disk": "#7a5195",
    "backups": "#888888",
    "transfer": "#b5403a",
    "other": "#4a8f5c",
}
"""Kinds of rows and their colours in the chart."""

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 860, 110, 90, 26, 14, 44
"""Pixels."""

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2530; --paper: #ffffff; --line: #d5dbe2; --soft: #5c6875; --bad: #b5403a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --paper: #161b21; --line: #38424d; --soft: #9aa7b4; --bad: #ef7d76; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.sum { font-size: 2.2rem; font-weight: 600; } .soft { color: var(--soft); }
.bad { color: var(--bad); font-weight: 600; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 0.35rem 0.6rem;
  border-bottom: 1px solid var(--line); vertical-align: top; } td.n, th.n { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.scroll { overflow-x: auto; }
"""


def page(title: str, estimate: Estimate, verdicts: Sequence[Verdict]) -> str:
    """The whole document. Everything in it that came from files is escaped."""
    unpriced = len(estimate.unpriced)
    warnings = [f"{unpriced} of {len(estimate.lines)} rows are unpriced and in no sum."] if unpriced else []
    parts = [
        f"<h1>{escape(title)}: what it costs</h1>",
        f'<p class="sum">USD {text(estimate.monthly_usd)} a month</p>',
        f'<p class="soft">USD {text(estimate.yearly_usd)} a year. List prices without tax, {estimate.today}.</p>',
        *(f'<p class="bad">{escape(warning)}</p>' for warning in (*warnings, *estimate.stale())),
        *(f'<p class="{"bad" if verdict.over else "soft"}">{escape(str(verdict))}</p>' for verdict in verdicts),
        "<h2>By region</h2>",
        chart(estimate.lines),
        "<h2>Every row</h2>",
        _table(estimate.lines),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: cost</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def chart(lines: Sequence[Line]) -> str:
    """A bar for each region, divided by what costs, the dearest first."""
    regions = _sums(lines)
    dearest = max((sum(kinds.values(), NOTHING) for kinds in regions.values()), default=NOTHING)
    scale = float(WIDTH - LEFT - RIGHT) / float(dearest or 1)
    height = TOP + len(regions) * (BAR + GAP)
    drawn = [_legend(sorted({kind for kinds in regions.values() for kind in kinds}, key=list(KINDS).index))]
    ordered = sorted(regions.items(), key=lambda item: -sum(item[1].values(), NOTHING))
    for number, (region, kinds) in enumerate(ordered):
        drawn.append(_bar(region, kinds, TOP + number * (BAR + GAP), scale))
    summary = ", ".join(f"{region} {text(sum(kinds.values(), NOTHING))}" for region, kinds in ordered)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="USD a month by region: {escape(summary)}">'
        + "".join(drawn)
        + "</svg>"
    )


def _sums(lines: Sequence[Line]) -> Mapping[str, Mapping[str, Decimal]]:
    regions: dict[str, dict[str, Decimal]] = {}
    for line in lines:
        kind = line.row.rpartition("/")[2]
        kinds = regions.setdefault(line.region or line.stack, {})
        name = kind if kind in KINDS else "other"
        kinds[name] = kinds.get(name, NOTHING) + (line.monthly_usd or NOTHING)
    return {region: {kind: usd for kind, usd in kinds.items() if usd} for region, kinds in regions.items()}


def _legend(kinds: Sequence[str]) -> str:
    return "".join(
        f'<rect x="{LEFT + number * 110}" y="8" width="14" height="14" fill="{KINDS[kind]}"/>'
        f'<text x="{LEFT + number * 110 + 20}" y="20">{kind}</text>'
        for number, kind in enumerate(kinds)
    )


def _bar(region: str, kinds: Mapping[str, Decimal], y: int, scale: float) -> str:
    parts = [f'<text x="{LEFT - 10}" y="{y + 18}" text-anchor="end">{escape(region)}</text>']
    x = float(LEFT)
    for kind in KINDS:
        if usd := kinds.get(kind):
            width = float(usd) * scale
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{KINDS[kind]}">'
                f"<title>{escape(region)} {kind}: {text(usd)}</title></rect>"
            )
            x += width
    parts.append(f'<text x="{x + 8:.1f}" y="{y + 18}">{text(sum(kinds.values(), NOTHING))}</text>')
    return "".join(parts)


def _table(lines: Sequence[Line]) -> str:
    rows = "".join(
        f"<tr><td>{escape(line.row)}</td><td>{escape(line.what)}</td>{_amount(line)}"
        f'<td class="soft">{escape(line.rule)}</td><td class="soft">{escape(_origin(line))}</td></tr>'
        for line in lines
    )
    return (
        '<div class="scroll"><table><thead><tr><th>row</th><th>what</th><th class="n">USD a month</th><th>rule</th>'
        f"<th>source</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _amount(line: Line) -> str:
    if line.monthly_usd is None:
        return '<td class="n bad">unpriced</td>'
    return f'<td class="n">{text(line.monthly_usd)}</td>'


def _origin(line: Line) -> str:
    if line.origin is None:
        return ""
    return line.origin.source + (f", {line.origin.as_of}" if line.origin.as_of else "")
