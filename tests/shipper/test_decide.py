"""What is decided for a table, from its log and from how far it was shipped."""

from __future__ import annotations

import pytest

from shipper.decide import Copy, Nothing, Resync, decide, merged, missing_columns
from shipper.facts import Column, Interval, Mark, Table, Transaction

TABLE = Table("trades", "trades~7", (5, 5), dedup=True, suspended=False)
MARK = Mark("trades~7", 3, "trades~2")


def rows(number: int, first: int = 100, last: int = 200) -> Transaction:
    return Transaction(number, committed=number * 1_000_000, first=first, last=last, rows=7, change=0)


def altered(number: int, change: int) -> Transaction:
    return Transaction(number, committed=number * 1_000_000, first=None, last=None, rows=None, change=change)


def test_new_transactions_become_their_intervals() -> None:
    step = decide(TABLE, MARK, 5, [rows(4, 100, 200), rows(5, 150, 300)])
    assert step == Copy((Interval(100, 300),), upto=5, columns_added=False, oldest=4_000_000)


def test_what_is_not_visible_yet_waits() -> None:
    step = decide(TABLE, MARK, 4, [rows(4), rows(5)])
    assert isinstance(step, Copy)
    assert step.upto == 4
    assert decide(TABLE, MARK, 3, [rows(4)]) == Nothing()


def test_an_added_column_is_followed() -> None:
    step = decide(TABLE, MARK, 5, [altered(4, 1), rows(5)])
    assert isinstance(step, Copy)
    assert step.columns_added


@pytest.mark.parametrize(
    ("visible", "log", "reason"),
    [
        (5, [rows(5)], "log was purged"),
        (5, [rows(4)], "log was purged"),
        (5, [], "log was purged"),
        (2, [], "was restored"),
        (4, [altered(4, -1)], "UPDATE, TRUNCATE"),
        (4, [altered(4, 8)], "column was dropped"),
        (4, [altered(4, 9)], "column was renamed"),
        (4, [altered(4, 17)], "type was changed"),
        (4, [altered(4, 16)], "deduplication was changed"),
        (4, [Transaction(4, 1, None, None, 5, 0)], "no times"),
    ],
)
def test_what_cannot_be_followed_is_said(visible: int, log: list[Transaction], reason: str) -> None:
    step = decide(TABLE, MARK, visible, log)
    assert isinstance(step, Resync)
    assert reason in step.reason


def test_another_table_under_the_same_name_is_another_table() -> None:
    step = decide(Table("trades", "trades~9", (9, 9), True, False), MARK, 5, [rows(4), rows(5)])
    assert isinstance(step, Resync)
    assert "made again" in step.reason


def test_intervals_are_merged_where_they_touch() -> None:
    assert merged([Interval(10, 20), Interval(1, 5), Interval(21, 30), Interval(40, 41), Interval(2, 3)]) == (
        Interval(1, 5),
        Interval(10, 30),
        Interval(40, 41),
    )


def test_a_gap_that_is_short_beside_what_it_joins_is_filled() -> None:
    """A writer's transactions follow each other; read as one interval they are read ahead."""
    assert merged([Interval(0, 990), Interval(1000, 1990), Interval(2000, 2990)]) == (Interval(0, 2990),)
    assert merged([Interval(0, 990), Interval(1100, 1990)]) == (Interval(0, 990), Interval(1100, 1990))


def test_columns_are_added_or_the_difference_is_said() -> None:
    time, price = Column("ts", "TIMESTAMP", designated=True, key=True), Column("px", "DOUBLE")
    assert missing_columns([time, price], [time]) == (price,)
    assert isinstance(missing_columns([time], [time, price]), Resync)
    assert isinstance(missing_columns([time, price], [time, Column("px", "FLOAT")]), Resync)
