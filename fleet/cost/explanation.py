"""One row explained: which price, by which rule, from which source and day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from fleet.cost.line import Line
from fleet.cost.money import text
from fleet.model.nearest import nearest


class NoSuchRow(Exception):
    """No row has that name; the text names the rows that there are."""

    exit_code = 2


def find_row(lines: Iterable[Line], row: str) -> Line:
    """The line of a name.

    Raises:
        NoSuchRow: there is none.
    """
    by_name = {line.row: line for line in lines}
    if row not in by_name:
        hint = nearest(row, by_name)
        raise NoSuchRow(f"no row '{row}'. {hint + ' ' if hint else ''}Rows: {', '.join(by_name) or 'none'}")
    return by_name[row]


def explain(line: Line, today: date) -> tuple[str, ...]:
    """The row as sentences."""
    said = [f"{line.row}: {line.what}", f"  a month    USD {text(line.monthly_usd)}"]
    if line.monthly_usd is None:
        said += [f"  because    {line.rule}", "  in no sum: fleet cost --strict fails because of it"]
        return tuple(said)
    said += [f"  quantity   {line.quantity:f} {line.unit} at USD {line.unit_usd}", f"  rule       {line.rule}"]
    if line.note:
        said.append(f"  note       {line.note}")
    if line.origin is not None:
        said.append(f"  source     {line.origin.source} ({line.origin.confidence})")
        if line.origin.as_of is not None:
            said.append(f"  read on    {line.origin.as_of} ({(today - line.origin.as_of).days} days ago)")
    said.append(f"  stack      {line.stack}" + (f", counted for region {line.region}" if line.region else ""))
    return tuple(said)
