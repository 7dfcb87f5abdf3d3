"""Round trips between places: published ones where there are any, else what the distance lets expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar

from pydantic import Field

from fleet.catalogue.catalogue import Place, Row
from fleet.catalogue.overlay import Overlay
from fleet.catalogue.physics import SAME_METRO_MS, expected_ms, floor_ms
from fleet.catalogue.reading import load, rows

Kind = TypeVar("Kind", bound=Row)


class Basis(StrEnum):
    """Where a number of milliseconds is from, the best first."""

    MEASURED = "measured"
    """From a host of this fleet."""
    PUBLISHED = "published"
    """A row of the catalogue."""
    ESTIMATE = "estimate"
    """From the distance, or from a neighbour's row."""


class MeasuredPlace(Row):
    """One row of the published table."""

    place: str
    site: str
    """What was measured: the region of the provider whose table it is."""
    to: Mapping[str, float]
    """Place to ms."""


class Detour(Row):
    """A place that is taken to be a neighbour's round trip away from everywhere, and a bit more."""

    place: str
    via: str
    plus_ms: float = Field(gt=0)


@dataclass(frozen=True)
class RoundTrip:
    """How long it takes there and back."""

    ms: float
    basis: Basis
    floor_ms: float
    """The best that physics allows."""


@dataclass(frozen=True)
class RoundTrips:
    """The reference matrix."""

    places: Mapping[str, Place]
    measured: Mapping[str, MeasuredPlace]
    detours: Mapping[str, Detour]

    def between(self, start: str, end: str) -> RoundTrip:
        """From one place to another; the published table is not quite the same both ways.

        Raises:
            KeyError: a place that the catalogue does not have.
        """
        one, other = self.places[start], self.places[end]
        floor = floor_ms(one, other)
        if start == end:
            return RoundTrip(SAME_METRO_MS, Basis.ESTIMATE, floor)
        published = self._published(start, end)
        if published is not None:
            return RoundTrip(published, Basis.PUBLISHED, floor)
        neighbour = self._over_neighbours(start, end)
        if neighbour is not None and neighbour >= floor:
            return RoundTrip(neighbour, Basis.ESTIMATE, floor)
        return RoundTrip(expected_ms(one, other), Basis.ESTIMATE, floor)

    def _published(self, start: str, end: str) -> float | None:
        row = self.measured.get(start)
        return row.to.get(end) if row is not None else None

    def _over_neighbours(self, start: str, end: str) -> float | None:
        first, last = self.detours.get(start), self.detours.get(end)
        from_, plus = (first.via, first.plus_ms) if first else (start, 0.0)
        to, more = (last.via, last.plus_ms) if last else (end, 0.0)
        if from_ == to:
            # Between the neighbour itself and the place; two places by one neighbour are left to their distance.
            return None if first and last else plus + more
        published = self._published(from_, to)
        return None if published is None else published + plus + more


@cache
def load_round_trips() -> RoundTrips:
    """The matrix that this package ships.

    Raises:
        pydantic.ValidationError: a row is malformed (kept out by the package's tests).
    """
    return RoundTrips(
        places=load().places,
        measured={row["place"]: MeasuredPlace(**row) for row in rows("round_trips")},
        detours={row["place"]: Detour(**row) for row in rows("round_trip_detours")},
    )


def round_trips_with(own: Overlay) -> RoundTrips:
    """The matrix with the places and rows of a fleet's own."""
    shipped = load_round_trips()
    if not own.tables:
        return shipped

    def over(table: str, ours: Mapping[str, Kind]) -> tuple[Kind, ...]:
        return own.over(table, {(name,): row for name, row in ours.items()})

    return RoundTrips(
        places={row.name: row for row in over("places", shipped.places)},
        measured={row.place: row for row in over("round_trips", shipped.measured)},
        detours={row.place: row for row in over("round_trip_detours", shipped.detours)},
    )
