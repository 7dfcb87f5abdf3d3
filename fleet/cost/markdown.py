"""An estimate as markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet.cost.budget import Verdict
from fleet.cost.estimate import Estimate
from fleet.cost.money import text


def markdown(estimate: Estimate, verdicts: Sequence[Verdict]) -> str:
    """The whole page, without a trailing newline."""
    count = len(estimate.unpriced)
    said = [
        f"### Cost of the fleet: USD {text(estimate.monthly_usd)} a month, {text(estimate.yearly_usd)} a year",
        "",
        *([f"**{count} unpriced, in no sum**", ""] if count else []),
        *table(
            ("row", "what", "USD a month", "source", "as of"),
            (
                (
                    line.row,
                    line.what,
                    f"**unpriced**: {line.rule}" if line.monthly_usd is None else text(line.monthly_usd),
                    line.origin.source if line.origin else "",
                    line.origin.as_of or "" if line.origin else "",
                )
                for line in estimate.lines
            ),
        ),
        "",
        *table(("stack", "USD a month"), ((name, text(usd)) for name, usd in estimate.by_stack().items())),
        "",
        *(f"- {verdict}" for verdict in verdicts),
        *(f"- {warning}" for warning in estimate.stale()),
    ]
    return "\n".join(said)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[str]:
    """A table's lines; amounts are aligned to the right."""
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "|".join("---:" if "USD" in column else "---" for column in columns) + "|"
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
