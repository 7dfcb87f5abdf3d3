"""How fresh the copies are, as ``fleet db status`` says it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet.cli.commands.db import told
from fleet.db.copies import Copy, status_of, unknown_status

pytestmark = pytest.mark.unit

COPIES = (Copy("20261123T120000Z", 10), Copy("20261123T060000Z", 10))


def at(hour: int) -> datetime:
    return datetime(2026, 11, 23, hour, 0, tzinfo=UTC)


def test_the_newest_copy_its_age_and_the_rpo_are_said() -> None:
    fresh = status_of("nj", 6, 8, COPIES, at(15))
    assert (fresh.newest, fresh.age_hours, fresh.late) == ("20261123T120000Z", 3.0, False)
    assert told(fresh) == (
        "copies: 2 at nj, the newest 20261123T120000Z, 3.0 h old (RPO 6 h and the time that a copy takes)",
    )


def test_a_copy_is_late_when_two_are_missing() -> None:
    assert not status_of("nj", 5, 8, COPIES, at(22)).late
    late = status_of("nj", 4, 8, COPIES, at(21))
    assert late.late
    assert "LATE" in told(late)[1]
    assert "fleet db backup" in told(late)[1]


def test_no_copy_and_a_keeper_that_does_not_answer_are_late_too() -> None:
    none = status_of("nj", 6, 8, (), at(12))
    assert none.late
    assert told(none)[0].startswith("copies: LATE: nj has none yet")
    silent = unknown_status("nj", 6, 8, "no answer")
    assert silent.late
    assert told(silent) == ("copies: nj cannot be asked: no answer",)


def test_where_none_are_taken_there_is_no_rpo() -> None:
    assert told(None) == (
        "copies: none are taken off the hub, so there is no RPO. Say where: questdb.backup in fleet.yaml",
    )
