"""An outlook for people: sums and budgets as lines, venues as rows."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.cost.change_texts import change_summary
from fleet.preview.outlook import Closer, Outlook

COLUMNS = ("region", "venue", "hosted in", "used there", "ms now", "from", "ms then", "known by")


def cost_lines(outlook: Outlook) -> list[str]:
    """What it would cost, what is left of the budgets, and what is in no sum."""
    lines = change_summary(outlook.changes)
    if outlook.not_counted:
        lines.append(f"not in these sums: {', '.join(outlook.not_counted)} (no preview that ended well)")
    return lines


def closer_title(outlook: Outlook) -> str:
    """Over the table."""
    return f"Closer than from {', '.join(outlook.standing)}, with {', '.join(outlook.added)}"


def closer_rows(outlook: Outlook) -> list[tuple[str, ...]]:
    """One row for each venue that gets closer."""
    return [
        (
            row.gain.region,
            row.gain.site,
            row.gain.hosted_in,
            row.mode or "no",
            "" if row.gain.before_ms is None else f"{row.gain.before_ms:g}",
            row.gain.before_from or "refused",
            f"{row.gain.ms:g}",
            _known_by(row),
        )
        for row in outlook.closer
    ]


def closer_lines(outlook: Outlook) -> Iterator[str]:
    """What the table does not say."""
    for region in outlook.added:
        if not any(row.gain.region == region for row in outlook.closer):
            yield f"{region}: no venue gets closer by it than from {', '.join(outlook.standing)}"
    if outlook.closer:
        yield (
            "estimates and published round trips are of the network alone; measured ones are what a host of the fleet "
            "waited for an answer (fleet latency)"
        )


def _known_by(row: Closer) -> str:
    """The origin of both numbers, once where it is the same."""
    bases = dict.fromkeys(str(basis) for basis in (row.gain.before_basis, row.gain.basis) if basis is not None)
    return " -> ".join(bases)
