"""A fleet's own catalogue: rows in ``catalogue/*.yaml`` of its folder, which take the place of ours row by row.

A file is a mapping of tables (``plans``, ``locations``, ``billing``, ``transfer``, ``charges``, ``venues``,
``venue_sites``) to lists of rows; what its ``defaults`` say holds for each row that does not say otherwise. A row that
exists with us needs only what differs, and always its own ``source`` and ``as_of``. A plan's row that names any list
price replaces all of that plan's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fleet.catalogue.catalogue import Catalogue, Location, Plan, Row
from fleet.model.document import Document, KeyPath, read_document
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.validation import at, validate

if TYPE_CHECKING:
    from fleet.catalogue.venue_sites import VenueList

FOLDER = "catalogue"
"""In the fleet's folder."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "plans": ("service", "name"),
    "locations": ("service", "name"),
    "billing": ("service",),
    "transfer": ("service",),
    "charges": ("service", "name"),
    "venues": ("name",),
    "venue_sites": ("venue", "site"),
}
"""Tables, and what tells their rows apart; a key that a row leaves out is empty."""

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


def with_own_rows(catalogue: Catalogue, overlay: Overlay) -> Catalogue:
    """A catalogue with the plans and locations of a fleet's own."""
    if not overlay.tables:
        return catalogue
    plans = overlay.over("plans", {(row.service, row.name): row for row in catalogue.plans})
    locations = overlay.over("locations", {(row.service, row.name): row for row in catalogue.locations})
    # A copy would keep what the catalogue has worked out from its rows.
    parts = {name: getattr(catalogue, name) for name in type(catalogue).model_fields}
    return type(catalogue).model_construct(**{**parts, "plans": plans, "locations": locations})


def venues_with_own_rows(overlay: Overlay) -> VenueList:
    """The venues of this package with those of a fleet's own."""
    from fleet.catalogue.venue_sites import load_site_rows, load_venue_list, venue_list
    from fleet.catalogue.venues import load_venues

    if not overlay.tables:
        return load_venue_list()
    venues = overlay.over("venues", {(name,): venue for name, venue in load_venues().items()})
    return venue_list(venues, overlay.over("venue_sites", {(row.venue, row.site): row for row in load_site_rows()}))


def read_overlay(folder: Path, catalogue: Catalogue) -> tuple[Overlay, tuple[Problem, ...]]:
    """Read and check every file of a fleet's own catalogue; every problem of every row.

    Where there is any problem, no row counts.

    Args:
        catalogue: names the services and places that rows may speak of.
    """
    if not folder.is_dir():
        return Overlay(), ()
    found: list[Problem] = []
    tables: dict[str, dict[Key, Row]] = {}
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
                row, problems = _row(own, table, key, ours, tuple(catalogue.services))
                found += problems
                if row is not None:
                    seen[key] = row
                    read.append((own, row))
    found += _references(read, catalogue, {key[0] for key in (*ours["venues"], *tables.get("venues", {}))})
    # Files are named as the user sees them from the fleet's folder.
    return Overlay({} if found else tables), tuple(_in_folder(problem, folder) for problem in found)


def _references(read: Iterable[tuple[OwnRow, Row]], catalogue: Catalogue, venues: Iterable[str]) -> Iterator[Problem]:
    """What rows of venues name is there: places, and venues of whichever file."""
    from fleet.catalogue.venue_sites import SiteRow
    from fleet.catalogue.venues import Venue

    places, venues = tuple(catalogue.places), tuple(venues)
    for own, row in read:
        match row:
            case Venue():
                yield from _unknown(
                    own, ("hosting", "place"), row.hosting.place if row.hosting else "", places, "place"
                )
                yield from _unknown(own, ("via",), row.via, venues, "venue")
            case SiteRow():
                yield from _unknown(own, ("venue",), row.venue, venues, "venue")
                yield from _unknown(own, ("place",), row.place, places, "place")
                yield from _unknown(own, ("claimed_place",), row.claimed_place, places, "place")
            case _:
                pass


def _unknown(own: OwnRow, key: KeyPath, name: str, known: tuple[str, ...], kind: str) -> Iterator[Problem]:
    """Nothing for what is left out."""
    if name and name not in known:
        message = f"is not a {kind} of the catalogue"
        yield at(own.document, (*own.path, *key), name, message, ", ".join(known), nearest(name, known))


def _ours() -> Mapping[str, Mapping[Key, Mapping[str, Any]]]:
    from fleet.catalogue.reading import rows

    return {
        table: {tuple(row.get(name, "") for name in names): row for row in rows(table)} for table, names in KEYS.items()
    }


def _kind(table: str) -> type[Row]:
    from fleet.catalogue.prices import Billing, Charge, Transfer
    from fleet.catalogue.venue_sites import SiteRow
    from fleet.catalogue.venues import Venue

    kinds: Mapping[str, type[Row]] = {
        "plans": Plan,
        "locations": Location,
        "billing": Billing,
        "transfer": Transfer,
        "charges": Charge,
        "venues": Venue,
        "venue_sites": SiteRow,
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
