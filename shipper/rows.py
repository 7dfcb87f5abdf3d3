"""Rows on their way: the query that reads them, and the lines that write them. Pure.

Timestamps are read as numbers, and fractions stay the text that the primary wrote. Every value of the types below
arrives as it was, doubles to the last bit (a lab test compares both sides). Other types (binary, arrays, decimals,
geohashes of odd bits) have no text form that comes back the same: a table with such a column is refused, not shipped in
part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shipper.facts import Column, Interval

Row = Sequence[Any]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\\n"})
_SPECIAL = re.compile(r'[\\"\n]')
_NAME = re.compile(r"[\\ ,=\n\r]")
_GEOHASH = re.compile(r"GEOHASH\(\d+c\)")

NANOSECONDS = "TIMESTAMP_NS"
_TIMES = ("TIMESTAMP", NANOSECONDS)


class Unwritable(Exception):
    """A row that cannot be written as it is."""


def unsupported(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns whose values cannot be shipped unchanged."""
    return tuple(column for column in columns if _writer(column.type) is None)


def designated(columns: Sequence[Column]) -> Column:
    """The column by whose time the table is ordered; every shipped table has one."""
    return next(column for column in columns if column.designated)


def precision(columns: Sequence[Column]) -> str:
    """The unit of a table's timestamps, as the write endpoint names it."""
    return "n" if designated(columns).type == NANOSECONDS else "u"


def select(table: str, columns: Sequence[Column], interval: Interval, rows: int) -> str:
    """The query for the first rows of an interval, in the order of time, the timestamp first."""
    time = designated(columns)
    wanted = [_read(time), *(_read(column) for column in columns if not column.designated)]
    return (
        f"SELECT {', '.join(wanted)} FROM {quoted(table)} WHERE {quoted(time.name)} BETWEEN {interval.first} AND "
        f"{interval.last} ORDER BY {quoted(time.name)} LIMIT {rows}"
    )


def _read(column: Column) -> str:
    if column.type == "DATE":
        return f"cast(cast({quoted(column.name)} AS TIMESTAMP) AS LONG)"
    return f"cast({quoted(column.name)} AS LONG)" if column.type in _TIMES else quoted(column.name)


def lines(table: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Rows as ``select`` reads them, in InfluxDB's line protocol.

    Raises:
        Unwritable: a row has nothing but its timestamp, which the protocol cannot say.
    """
    if not rows:
        return ""
    # Column by column: a call for each value would be most of the time that a row takes.
    times, *values = zip(*rows, strict=True)
    written = [column for column in columns if not column.designated]
    fields = [_field(column, of_column) for column, of_column in zip(written, values, strict=True)]
    head = _escaped(table)
    if fields and all(field.whole for field in fields):
        line = f"{_literally(head)} {','.join(field.form for field in fields)} %s\n"
        return "".join(map(line.__mod__, zip(*(field.values for field in fields), times, strict=True)))
    texts = [field.texts() for field in fields]
    made = []
    for time, of_row in zip(times, zip(*texts, strict=True) if texts else ((),) * len(rows), strict=True):
        joined = ",".join(filter(None, of_row))
        if not joined:
            raise Unwritable(f"the row at {time} has no value beside its timestamp")
        made.append(f"{head} {joined} {time}\n")
    return "".join(made)


@dataclass(frozen=True)
class _Field:
    """A column of rows that are being written: a form for one value, with a ``%s`` in it, and the values for it."""

    form: str
    values: Sequence[Any]
    whole: bool
    """Every row has a value. Else the values are whole texts, empty for NULL, which the protocol says by leaving it
    out."""

    def texts(self) -> Sequence[str]:
        return list(map(self.form.__mod__, zip(self.values, strict=True))) if self.whole else self.values


def _field(column: Column, values: Sequence[Any]) -> _Field:
    name, writer = f"{_escaped(column.name)}=", _writer(column.type)
    if writer is None:
        raise Unwritable(f"{column.name} is {column.type}")
    whole = None not in values
    if column.type == "SYMBOL":
        # Few different ones by their nature.
        texts = {value: f"{name}{_text(value)}" for value in set(values) if value is not None}
        return _Field("%s", [texts.get(value, "") for value in values], whole)
    form = _FORMS.get(column.type)
    if whole and form is not None and (writer is not _text or not _SPECIAL.search("".join(values))):
        return _Field(_literally(name) + form, values, whole=True)
    made = ["" if value is None or not (text := writer(value)) else name + text for value in values]
    return _Field("%s", made, whole and "" not in made)


def _literally(text: str) -> str:
    """A text inside a form."""
    return text.replace("%", "%%")


def quoted(name: str) -> str:
    """A name in a query."""
    return '"' + name.replace('"', '""') + '"'


def _escaped(name: str) -> str:
    return _NAME.sub(lambda found: "\\" + found.group(), name)


def _text(value: Any) -> str:
    return f'"{value.translate(_ESCAPES)}"'


def _filled(value: Any) -> str:
    # What has no NULL of its own in JSON comes as an empty string.
    return _text(value) if value else ""


def _character(value: Any) -> str:
    # The protocol takes a string of one byte for it, and none of more.
    if not value.isascii():
        raise Unwritable(f"the character {value!r} is outside of ASCII; a VARCHAR column would hold it")
    return _filled(value)


def _integer(value: Any) -> str:
    return f"{value}i"


def _boolean(value: Any) -> str:
    return "t" if value else "f"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "BOOLEAN": _boolean,
    "BYTE": _integer,
    "SHORT": _integer,
    "INT": _integer,
    "LONG": _integer,
    "FLOAT": str,
    "DOUBLE": str,
    "CHAR": _character,
    "STRING": _text,
    "VARCHAR": _text,
    "SYMBOL": _text,
    "UUID": _text,
    "IPv4": _filled,
    "LONG256": lambda value: f"{value}i" if value else "",
    "TIMESTAMP": lambda value: f"{value}t",
    "DATE": lambda value: f"{value}t",
    NANOSECONDS: lambda value: f"{value}n",
}


_FORMS = {
    **dict.fromkeys(("BYTE", "SHORT", "INT", "LONG"), "%si"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "%s"),
    **dict.fromkeys(("STRING", "VARCHAR"), '"%s"'),
    **dict.fromkeys(("TIMESTAMP", "DATE"), "%st"),
    NANOSECONDS: "%sn",
}
"""How the writer of a type writes a value that is there; of a text, one in which nothing must be escaped."""


def _writer(kind: str) -> Callable[[Any], str] | None:
    return _text if _GEOHASH.fullmatch(kind) else _WRITERS.get(kind)
