"""What a preview changes, as rows of a table, as JSON and as markdown."""

from __future__ import annotations

from typing import Any

from fleet.cost.changes import Change, Changes
from fleet.cost.facts import FORMAT_VERSION, amount, line_facts, verdict_facts
from fleet.cost.line import Line
from fleet.cost.markdown import table
from fleet.cost.money import MONTHS, signed, text

COLUMNS = ("", "row", "what", "USD before", "USD after", "difference")


def change_rows(changes: Changes) -> list[tuple[str, ...]]:
    """One row for each thing that costs."""
    return [
        (
            change.op,
            change.line.row,
            _what(change),
            _cell(change.before),
            _cell(change.after),
            "unpriced" if change.difference_usd is None else signed(change.difference_usd),
        )
        for change in changes.rows
    ]


def change_summary(changes: Changes) -> list[str]:
    """Sums, what is not in them, and budgets."""
    difference = changes.after_usd - changes.before_usd
    counted = ", ".join(f"{count} {op}" for op, count in changes.counts().items()) or "nothing that costs"
    said = [
        f"total: USD {text(changes.before_usd)} -> {text(changes.after_usd)} a month ({signed(difference)}), "
        f"{signed(difference * MONTHS)} a year; {counted}"
    ]
    if changes.unpriced:
        names = ", ".join(f"{line.row} ({line.rule})" for line in changes.unpriced)
        said.append(f"UNPRICED: {len(changes.unpriced)}, in no sum: {names}")
    if changes.whole is not None:
        said.append(f"the whole fleet then: USD {text(changes.whole.monthly_usd)} a month")
    return [*said, *map(str, changes.verdicts), *(f"stale: {warning}" for warning in changes.stale())]


def change_markdown(changes: Changes) -> str:
    """The same for a pull request."""
    rows = [row for row, change in zip(change_rows(changes), changes.rows, strict=True) if change.op != "same"]
    head = [f"### Cost of this change: {signed(changes.after_usd - changes.before_usd)} USD a month", ""]
    body = list(table(COLUMNS, rows)) if rows else ["Nothing that costs changes."]
    return "\n".join([*head, *body, "", *(f"- {line}" for line in change_summary(changes))])


def change_facts(changes: Changes) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": FORMAT_VERSION,
        "currency": "USD",
        "today": changes.today.isoformat(),
        "before_usd": amount(changes.before_usd),
        "after_usd": amount(changes.after_usd),
        "difference_usd": amount(changes.after_usd - changes.before_usd),
        "fleet_monthly_usd": amount(changes.whole.monthly_usd) if changes.whole is not None else None,
        "unpriced": len(changes.unpriced),
        "changes": [
            {
                "op": change.op,
                "difference_usd": amount(change.difference_usd),
                "before": None if change.before is None else line_facts(change.before),
                "after": None if change.after is None else line_facts(change.after),
            }
            for change in changes.rows
        ],
        "budgets": [verdict_facts(verdict) for verdict in changes.verdicts],
        "stale": list(changes.stale()),
    }


def _what(change: Change) -> str:
    if change.before is not None and change.after is not None and change.before.what != change.after.what:
        return f"{change.before.what} -> {change.after.what}"
    return change.line.what


def _cell(line: Line | None) -> str:
    return "" if line is None else text(line.monthly_usd)
