"""The nearest right word for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: object, known: Iterable[str]) -> str:
    """``did you mean '...'?`` for the nearest of ``known``, empty when none is near."""
    if not isinstance(word, str):
        return ""
    candidates = list(known)
    lowered = {candidate.lower(): candidate for candidate in candidates}
    found = get_close_matches(word, candidates, n=1) or [
        lowered[match] for match in get_close_matches(word.lower(), lowered, n=1)
    ]
    return f"did you mean '{found[0]}'?" if found else ""
