"""A fleet's own catalogue: rows in ``catalogue/*.yaml`` of its folder, which take the place of ours row by row.

A file is a mapping of tables (the names of this package's files, ``KEYS``) to lists of rows; what its ``defaults`` say
holds for each row that does not say otherwise. A row that exists with us needs only what differs, and always its own
``source`` and ``as_of``. A plan's row that names any list price replaces all of that plan's. A row of ``round_trips``
leaves those that it does not name as they are, one of ``countries`` the places that it does not name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fleet.catalogue.catalogue import Catalogue, Location, Place, Plan, Row, Service
from fleet.model.document import Document, KeyPath, read_document
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at, validate

FOLDER = "catalogue"
"""In the fleet's folder."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "places": ("name",),
    "countries": ("country",),
    "round_trips": ("place",),
    "round_trip_detours": ("place",),
    "services": ("name",),
    "locations": ("service", "name"),
    "plans": ("service", "name"),
    "billing": ("service",),
    "transfer": ("service",),
    "charges": ("service", "name"),
    "sellers": ("name",),
    "market": ("service", "name"),
    "market_locations": ("service", "name"),
    "listed_charges": ("service", "name"),
    "specification_costs": ("place",),
    "venues": ("name",),
    "venue_sites": ("venue", "site"),
    "claims": ("venue", "site", "place"),
}
"""Tables, and what tells their rows apart; a key that a row leaves out is empty."""

DEFAULTS = "defaults"
ORIGIN = ("source", "as_of")
PRICES = ("hourly_usd", "monthly_usd", "price_locations", "location_prices")
"""List prices of a plan; the spot market is another one."""
MERGED = {"round_trips": "to"}
"""What of a row is a mapping of which a fleet's own row need only name what differs."""

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

    def rows(self, table: str, kind: type[Kind]) -> tuple[Kind, ...]:
        """The fleet's own rows of a table."""
        return tuple(row for row in self.tables.get(table, {}).values() if isinstance(row, kind))


NO_OWN_ROWS = Overlay()
"""Of a fleet without a catalogue of its own."""


def read_overlay(folder: Path, catalogue: Catalogue) -> tuple[Overlay, tuple[Problem, ...]]:
    """Read and check every file of a fleet's own catalogue; every problem of every row.

    Where there is any problem, no row counts.

    Args:
        catalogue: names the services and places that rows may speak of.
    """
    from fleet.catalogue.overlay_references import references

    if not folder.is_dir():
        return Overlay(), ()
    found: list[Problem] = []
    tables: dict[str, dict[Key, Row]] = {}
    written: list[OwnRow] = []
    read: list[tuple[OwnRow, Row]] = []
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
                written.append(own)
                row, problems = _row(own, table, key, ours)
                found += problems
                if row is not None:
                    seen[key] = row
                    read.append((own, row))
    found += references(written, read, catalogue)
    # Files are named as the user sees them from the fleet's folder.
    return Overlay({} if found else tables), tuple(_in_folder(problem, folder) for problem in found)


def _ours() -> Mapping[str, Mapping[Key, Mapping[str, Any]]]:
    from fleet.catalogue.reading import rows

    return {
        table: {tuple(row.get(name, "") for name in names): row for row in rows(table)} for table, names in KEYS.items()
    }


def _kind(table: str) -> type[Row]:
    from fleet.catalogue.claims import ExpectedClaim
    from fleet.catalogue.market import ListedCharge, MarketPlan, Seller, SpecificationCost
    from fleet.catalogue.prices import Billing, Charge, Transfer
    from fleet.catalogue.round_trips import Detour, MeasuredPlace
    from fleet.catalogue.venue_sites import CountryRow, SiteRow
    from fleet.catalogue.venues import Venue

    kinds: Mapping[str, type[Row]] = {
        "places": Place,
        "countries": CountryRow,
        "round_trips": MeasuredPlace,
        "round_trip_detours": Detour,
        "services": Service,
        "locations": Location,
        "plans": Plan,
        "billing": Billing,
        "transfer": Transfer,
        "charges": Charge,
        "sellers": Seller,
        "market": MarketPlan,
        "market_locations": Location,
        "listed_charges": ListedCharge,
        "specification_costs": SpecificationCost,
        "venues": Venue,
        "venue_sites": SiteRow,
        "claims": ExpectedClaim,
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
    own: OwnRow, table: str, key: Key, ours: Mapping[str, Mapping[Key, Mapping[str, Any]]]
) -> tuple[Row | None, tuple[Problem, ...]]:
    found = tuple(
        at(
            own.document,
            (*own.path, name),
            None,
            "is missing",
            "where it is from, and the day it was read (2026-11-22)",
        )
        for name in ORIGIN
        if name not in own.values
    )
    base = dict(ours[table].get(key, {}))
    if any(name in own.values for name in PRICES):
        base = {name: value for name, value in base.items() if name not in PRICES}
    # The origin of our row says nothing of theirs.
    base = {name: value for name, value in base.items() if name not in (*ORIGIN, "confidence")}
    values = {**base, **own.values}
    part = MERGED.get(table)
    if part in base and isinstance(own.values.get(part), Mapping):
        values[part] = {**base[part], **own.values[part]}
    missing = {name: STAND_INS[name] for name in ORIGIN if name not in own.values}
    row, problems = validate(_kind(table), own.document, own.path, {**values, **missing})
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
