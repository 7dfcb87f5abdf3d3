"""Whether a table and its copy hold as many rows in each span of their calendar, and what mends it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from shipper.facts import Interval, Partition

NAMED = 3
"""Spans that a message names; of more it says how many."""


@dataclass(frozen=True)
class Equal:
    """As many rows on both sides, span by span."""

    delta: int = 0


@dataclass(frozen=True)
class Lacks:
    """The copy has fewer rows in some spans and nowhere more: writing those spans again mends it."""

    delta: int
    """Rows of the primary less rows of the replica."""
    intervals: tuple[Interval, ...]
    text: str


@dataclass(frozen=True)
class Differs:
    """The copy has rows that the primary has not: only a new copy is certain to be rid of them."""

    delta: int
    text: str


Comparison: TypeAlias = Equal | Lacks | Differs


def compared(primary: Mapping[str, Partition], replica: Mapping[str, Partition]) -> Comparison:
    """Compare two tables that have come to rest, by their spans.

    What a count cannot see: a row too many and a row too few in one span, and other values under the same keys.
    """
    ours = {span: part.rows for span, part in primary.items()}
    theirs = {span: part.rows for span, part in replica.items()}
    delta = sum(ours.values()) - sum(theirs.values())
    differing = [span for span in sorted({*ours, *theirs}) if ours.get(span, 0) != theirs.get(span, 0)]
    if not differing:
        return Equal()
    shown = [
        f"{ours.get(span, 0)} rows on the primary and {theirs.get(span, 0)} on the replica"
        + (f" in {span}" if span else "")
        for span in differing[:NAMED]
    ]
    more = f", and so in {len(differing) - NAMED} more" if len(differing) > NAMED else ""
    text = f"it has {', '.join(shown)}{more}"
    if any(theirs.get(span, 0) > ours.get(span, 0) for span in differing):
        return Differs(delta, text)
    return Lacks(delta, tuple(primary[span].times for span in differing), text)
