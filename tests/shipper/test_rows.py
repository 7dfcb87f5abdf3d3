"""Rows as lines: what is written for each type, whatever way a column is written in."""

from __future__ import annotations

import json

import pytest

from shipper.facts import Column
from shipper.rows import Unwritable, lines

TIME = Column("ts", "TIMESTAMP", designated=True, key=True)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        ("LONG", -5, "c=-5i"),
        ("DOUBLE", "0.1", "c=0.1"),
        ("DOUBLE", 2.5, "c=2.5"),
        ("VARCHAR", "plain", 'c="plain"'),
        ("VARCHAR", 'a "b" \\ c', 'c="a \\"b\\" \\\\ c"'),
        ("SYMBOL", "S1", 'c="S1"'),
        ("BOOLEAN", False, "c=f"),
        ("DATE", 1_700_000_000_000_000, "c=1700000000000000t"),
        ("TIMESTAMP_NS", 5, "c=5n"),
        ("UUID", "11111111-1111-1111-1111-111111111111", 'c="11111111-1111-1111-1111-111111111111"'),
    ],
)
def test_a_value_is_the_same_alone_and_beside_a_null(kind: str, value: object, field: str) -> None:
    columns = (TIME, Column("c", kind), Column("n", "LONG"))
    assert lines("t", columns, [[1, value, 7]]) == f"t {field},n=7i 1\n"
    rows = [[1, value, 7], [2, None, 7], [3, value, None]]
    assert lines("t", columns, rows) == f"t {field},n=7i 1\nt n=7i 2\nt {field} 3\n"


def test_names_are_escaped_also_those_that_look_like_a_form() -> None:
    columns = (TIME, Column("100% sure", "LONG"), Column("a=b", "DOUBLE"))
    assert lines("x %s", columns, [[1, 2, "3.5"]]) == "x\\ %s 100%\\ sure=2i,a\\=b=3.5 1\n"
    assert lines("x %s", columns, [[1, 2, None]]) == "x\\ %s 100%\\ sure=2i 1\n"


def test_fractions_pass_as_the_text_that_they_came_as() -> None:
    [value] = json.loads("[100.14285714285714]", parse_float=str)
    assert lines("t", (TIME, Column("px", "DOUBLE")), [[1, value]]) == "t px=100.14285714285714 1\n"


def test_a_row_of_nothing_but_its_time_is_refused() -> None:
    with pytest.raises(Unwritable, match="the row at 1 has no value"):
        lines("t", (TIME, Column("px", "DOUBLE")), [[1, None]])
