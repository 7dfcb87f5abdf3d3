"""A fleet's own catalogue: rows in ``catalogue/*.yaml`` of its folder, which take the place of ours row by row.

A file is a mapping of tables (``plans``, ``locations``, ``billing``, ``transfer``, ``charges``) to lists of rows; what
its ``defaults`` say holds for each row that does not say otherwise. A row that exists with us needs only what differs,
and always its own ``source`` and ``as_of``. A plan's row that names any list price replaces all of that plan's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fleet.catalogue.catalogue import Catalogue, Location, Plan, Row
from fleet.model.document import Document, KeyPath, read_document
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at, validate

FOLDER = "catalogue"
"""In the fleet's folder."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "plans": ("service", "name"),
    "locations": ("service", "name"),
    "billing": ("service",),
    "transfer": ("service",),
    "charges": ("service", "name"),
}
"""Tables, and what tells their rows apart."""

DEFAULTS = "defaults"
ORIGIN = ("source", "as_of")
PRICES = ("hourly_usd", "monthly_usd", "price_locations", "location_prices")
"""List prices of a plan; the spot market is another one."""
OTHER_SERVICES = ("route53",)
"""Services that bill, but rent no servers."""

Key = tuple[str, ...]
Kind = TypeVar("Kind", bound=Row)


@dataclass(frozen=True)
class OwnRow:
    """A row as its file says it, with its defaults."""

    document: Document
    path: KeyPath
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Overlay:
    """The rows of a fleet's own catalogue, well-formed, by table and key."""

    tables: Mapping[str, Mapping[Key, Row]] = field(default_factory=dict)

    def over(self, table: str, ours: Mapping[Key, Kind]) -> tuple[Kind, ...]:
        """Our rows with the fleet's own in their places, then those that we do not have."""
        own: Mapping[Key, Any] = self.tables.get(table, {})
        return (*(own.get(key, row) for key, row in ours.items()), *(own[key] for key in own if key not in ours))


def with_own_rows(catalogue: Catalogue, folder: Path) -> tuple[Catalogue, tuple[Problem, ...]]:
    """A catalogue with the plans and locations of a fleet's own; unchanged where there is none or it has problems."""
    if not folder.is_dir():
        return catalogue, ()
    overlay, problems = read_overlay(folder, catalogue.services)
    if problems:
        return catalogue, problems
    plans = overlay.over("plans", {(row.service, row.name): row for row in catalogue.plans})
    locations = overlay.over("locations", {(row.service, row.name): row for row in catalogue.locations})
    # A copy would keep what the catalogue has worked out from its rows.
    parts = {name: getattr(catalogue, name) for name in type(catalogue).model_fields}
    return type(catalogue).model_construct(**{**parts, "plans": plans, "locations": locations}), ()


def read_overlay(folder: Path, services: Iterable[str]) -> tuple[Overlay, tuple[Problem, ...]]:
    """Read and check every file of a fleet's own catalogue; every problem of every row."""
    if not folder.is_dir():
        return Overlay(), ()
    found: list[Problem] = []
    tables: dict[str, dict[Key, Row]] = {}
    ours = _ours()
    for path in sorted(folder.glob("*.yaml")):
        document, problems = read_document(path)
        found += problems
        if document is None:
            continue
        found += _unknown_tables(document)
        for table in KEYS:
            for own in _rows_of(document, table, found):
                key = tuple(str(own.values.get(name, "")) for name in KEYS[table])
                seen = tables.setdefault(table, {})
                if key in seen:
                    found.append(
                        at(document, own.path, " ".join(key), "stands twice in this catalogue", "each row once")
                    )
                    continue
                row, problems = _row(own, table, key, ours, tuple(services))
                found += problems
                if row is not None:
                    seen[key] = row
    # Files are named as the user sees them from the fleet's folder.
    return Overlay(tables), tuple(_in_folder(problem, folder) for problem in found)


def _ours() -> Mapping[str, Mapping[Key, Mapping[str, Any]]]:
    from fleet.catalogue.reading import rows

    return {table: {tuple(row[name] for name in names): row for row in rows(table)} for table, names in KEYS.items()}


def _kind(table: str) -> type[Row]:
    from fleet.catalogue.prices import Billing, Charge, Transfer

    kinds: Mapping[str, type[Row]] = {
        "plans": Plan,
        "locations": Location,
        "billing": Billing,
        "transfer": Transfer,
        "charges": Charge,
    }
    return kinds[table]


def _unknown_tables(document: Document) -> Iterator[Problem]:
    known = (DEFAULTS, *KEYS)
    for name in document.values:
        if name not in known:
            yield at(document, (name,), None, "is not a known key", ", ".join(known), nearest(name, known))


def _rows_of(document: Document, table: str, problems: list[Problem]) -> Iterator[OwnRow]:
    defaults = document.values.get(DEFAULTS, {})
    if not isinstance(defaults, Mapping):
        problems.append(at(document, (DEFAULTS,), defaults, "is not a mapping", "a mapping of keys that rows have"))
        defaults = {}
    rows = document.values.get(table, [])
    if not isinstance(rows, list):
        problems.append(at(document, (table,), rows, "is not a list", "a list of rows"))
        return
    for number, row in enumerate(rows):
        path: KeyPath = (table, number)
        if isinstance(row, Mapping):
            yield OwnRow(document, path, {**defaults, **row})
        else:
            problems.append(
                at(document, path, row, "is not a mapping", f"a mapping with {', '.join(KEYS[table])}, ...")
            )


def _row(
    own: OwnRow,
    table: str,
    key: Key,
    ours: Mapping[str, Mapping[Key, Mapping[str, Any]]],
    services: tuple[str, ...],
) -> tuple[Row | None, tuple[Problem, ...]]:
    found = [
        at(
            own.document,
            (*own.path, name),
            None,
            "is missing",
            "where it is from, and the day it was read (2026-11-22)",
        )
        for name in ORIGIN
        if name not in own.values
    ]
    known = (*services, *OTHER_SERVICES)
    service = own.values.get("service")
    if isinstance(service, str) and service not in known:
        path = (*own.path, "service")
        found.append(at(own.document, path, service, "is not a service", ", ".join(known), nearest(service, known)))
    base = dict(ours[table].get(key, {}))
    if any(name in own.values for name in PRICES):
        base = {name: value for name, value in base.items() if name not in PRICES}
    # The origin of our row says nothing of theirs.
    base = {name: value for name, value in base.items() if name not in (*ORIGIN, "confidence")}
    missing = {name: STAND_INS[name] for name in ORIGIN if name not in own.values}
    row, problems = validate(_kind(table), own.document, own.path, {**base, **own.values, **missing})
    return (None if found else row), (*found, *problems)


STAND_INS = {"source": "missing", "as_of": "2026-01-01"}
"""For what is missing and reported already, so that the rest of the row is checked."""


def _in_folder(problem: Problem, folder: Path) -> Problem:
    return Problem(
        f"{folder.name}/{problem.file}",
        problem.key,
        problem.value,
        problem.message,
        problem.allowed,
        problem.suggestion,
        problem.line,
    )
