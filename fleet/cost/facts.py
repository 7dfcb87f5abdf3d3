"""An estimate as JSON: money as strings, what is not known as null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from fleet.cost.budget import Verdict
from fleet.cost.estimate import Estimate
from fleet.cost.line import Line
from fleet.cost.money import cents

FORMAT_VERSION = 1
"""Raised when a key changes its meaning or goes."""


def estimate_facts(estimate: Estimate, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Everything that the table shows, for programs."""
    return {
        "version": FORMAT_VERSION,
        "currency": "USD",
        "today": estimate.today.isoformat(),
        "monthly_usd": amount(estimate.monthly_usd),
        "yearly_usd": amount(estimate.yearly_usd),
        "unpriced": len(estimate.unpriced),
        "stacks": {name: amount(usd) for name, usd in estimate.by_stack().items()},
        "regions": {name: amount(usd) for name, usd in estimate.by_region().items()},
        "lines": [line_facts(line) for line in estimate.lines],
        "transfer": [
            {
                "service": row.service,
                "owner": row.owner,
                "included_gb": None if row.included_gb is None else str(row.included_gb),
                "used_gb": str(row.used_gb),
                "beyond_gb": str(row.excess_gb),
            }
            for row in estimate.allowances
        ],
        "budgets": [verdict_facts(verdict) for verdict in verdicts],
        "stale": list(estimate.stale()),
    }


def line_facts(line: Line) -> dict[str, Any]:
    """One row."""
    return {
        "row": line.row,
        "stack": line.stack,
        "region": line.region or None,
        "service": line.service or None,
        "what": line.what,
        "quantity": str(line.quantity),
        "unit": line.unit,
        "unit_usd": None if line.unit_usd is None else str(line.unit_usd),
        "monthly_usd": amount(line.monthly_usd),
        "priced": line.monthly_usd is not None,
        "rule": line.rule,
        "origin": None
        if line.origin is None
        else {
            "source": line.origin.source,
            "as_of": None if line.origin.as_of is None else line.origin.as_of.isoformat(),
            "confidence": line.origin.confidence,
        },
    }


def verdict_facts(verdict: Verdict) -> Mapping[str, Any]:
    """One budget."""
    return {
        "budget": verdict.name,
        "limit_usd": amount(verdict.limit_usd),
        "monthly_usd": amount(verdict.monthly_usd),
        "left_usd": amount(verdict.left_usd),
        "over": verdict.over,
        "unpriced": verdict.unpriced,
    }


def amount(usd: Decimal | None) -> str | None:
    """Dollars and cents as text, null where nothing is known."""
    return None if usd is None else f"{cents(usd):.2f}"
