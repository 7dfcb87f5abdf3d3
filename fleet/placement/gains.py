"""What gets closer when regions are added to those that stand: each venue, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from fleet.catalogue.round_trips import Basis
from fleet.catalogue.venue_sites import VenueList
from fleet.placement.problem import Reach
from fleet.placement.question import Question, Reached, reached_from

if TYPE_CHECKING:
    from fleet.latency.known import Known, Pair

LEAST_MS = 1.0
"""Less than this nobody notices in an estimate."""


@dataclass(frozen=True)
class Gain:
    """A venue that an added region is nearest to."""

    region: str
    """The added region."""
    site: str
    """The venue's name, with the site's behind a slash where it has several."""
    venue: str
    hosted_in: str
    """The place."""
    before_from: str
    """The nearest region that stands and may serve it; empty: none may."""
    before_ms: float | None
    """None: none may serve it."""
    ms: float
    """From the added region."""
    basis: Basis
    """Where ``ms`` is from."""
    before_basis: Basis | None

    @property
    def gained_ms(self) -> float:
        """Infinite where nothing that stands may serve it."""
        return inf if self.before_ms is None else self.before_ms - self.ms


def gains(
    places: Mapping[str, str],
    standing: Sequence[str],
    added: Sequence[str],
    venues: VenueList,
    measured: Mapping[Pair, Known] | None = None,
) -> tuple[Gain, ...]:
    """Every venue in use that an added region serves sooner than all that stand, the most gained first.

    What venues refuse is kept: a region whose addresses a venue refuses is never near to it.

    Args:
        places: of the regions, by name.
        standing: regions that are there already.
        added: regions that come; a venue counts for the nearest of them.
        measured: takes the place of estimates.
    """
    regions = (*standing, *added)
    rows = reached_from([places[name] for name in regions], Question(measured=measured or {}), venues)
    found = (gain for row in rows for gain in _gain(row, regions, len(standing)))
    order = {name: number for number, name in enumerate(added)}
    return tuple(sorted(found, key=lambda gain: (order[gain.region], -gain.gained_ms)))


def _gain(row: Reached, regions: Sequence[str], standing: int) -> Iterator[Gain]:
    numbered = [(number, reach) for number, reach in enumerate(row.reaches) if not reach.barred]
    before = min((each for each in numbered if each[0] < standing), key=_ms, default=None)
    after = min((each for each in numbered if each[0] >= standing), key=_ms, default=None)
    if after is None or (before is not None and before[1].ms - after[1].ms < LEAST_MS):
        return
    yield Gain(
        region=regions[after[0]],
        site=row.site.name,
        venue=row.site.venue.name,
        hosted_in=row.host,
        before_from="" if before is None else regions[before[0]],
        before_ms=None if before is None else before[1].ms,
        ms=after[1].ms,
        basis=after[1].basis,
        before_basis=None if before is None else before[1].basis,
    )


def _ms(numbered: tuple[int, Reach]) -> float:
    return numbered[1].ms
