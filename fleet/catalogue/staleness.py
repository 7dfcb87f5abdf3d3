"""How old a row of the catalogue may be before whatever uses it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from fleet.catalogue.catalogue import Row

STALE_AFTER = timedelta(days=60)
"""Providers change their prices several times a year, some by more than half."""


def is_stale(as_of: date, today: date) -> bool:
    """Whether what was read on a day is too old to be used without a word."""
    return today - as_of > STALE_AFTER


def stale_rows(kind: str, rows: Iterable[Row], today: date) -> tuple[str, ...]:
    """One sentence for each source and day that is too long ago.

    Args:
        kind: what the rows are, in the plural.
    """
    counted = Counter((row.source, row.as_of) for row in rows if is_stale(row.as_of, today))
    return tuple(
        f"{kind}: {count} {'are' if count > 1 else 'is'} {(today - as_of).days} days old ({source}, {as_of})"
        for (source, as_of), count in counted.items()
    )
