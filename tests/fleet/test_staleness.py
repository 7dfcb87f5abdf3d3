"""Rows of the catalogue that are old are named with their age."""

from __future__ import annotations

from datetime import date, timedelta

from fleet.catalogue.catalogue import Row
from fleet.catalogue.staleness import STALE_AFTER, stale_rows

TODAY = date(2026, 11, 23)
LIMIT = TODAY - STALE_AFTER


def test_a_row_is_old_the_day_after_sixty_days() -> None:
    fresh, old = Row(source="a list", as_of=LIMIT), Row(source="a list", as_of=LIMIT - timedelta(days=1))
    assert stale_rows("prices", [fresh], TODAY) == ()
    assert stale_rows("prices", [fresh, old], TODAY) == (f"prices: 1 is 61 days old (a list, {old.as_of})",)
    assert stale_rows("prices", [old, old], TODAY) == (f"prices: 2 are 61 days old (a list, {old.as_of})",)
