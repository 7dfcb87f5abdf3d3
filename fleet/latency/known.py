"""What a placement may take from measurements: round trips from places to venues' sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fleet.catalogue.catalogue import Place
from fleet.catalogue.venue_sites import VenueList
from fleet.latency.origin import Answered, judge, site_of
from fleet.latency.result import Run, Series
from fleet.latency.simulated import is_labs_folder
from fleet.latency.store import runs

RANKED = ("warm", "websocket", "tcp")
"""Kinds of series by which a place is ranked, the best first: a request on a kept connection is nearest to an order's
way. Cold ones measure edges and handshakes."""
FEWEST = 20
"""Samples below which a median is left aside."""
RUNS_READ = 50
"""The newest files; older ones are of another network."""

Pair = tuple[str, str]
"""A place, and a site of a venue."""


@dataclass(frozen=True)
class Known:
    """A round trip that was measured."""

    ms: float
    """The median. It holds the venue's own time for an answer as well."""
    kind: str
    on: date
    simulated: bool


def known(root: Path, venues: VenueList, places: Mapping[str, Place]) -> Mapping[Pair, Known]:
    """The newest of each place and site, from the files of a fleet's folder. What was simulated counts in a lab alone.

    Answers that cannot have come from the venue (faster than light) are left out, as are refusals.

    Raises:
        fleet.latency.store.BadResult: a file is broken.
    """
    lab = is_labs_folder(root)
    found: dict[Pair, dict[str, Known]] = {}
    for number, run in enumerate(runs(root)):
        if number == RUNS_READ:
            break
        if run.simulated and not lab:
            continue
        for series in run.series:
            site = site_of(series, venues)
            if site is None or series.kind not in RANKED:
                continue
            kinds = found.setdefault((run.place, site.name), {})
            if series.kind not in kinds and (ms := _median(run, series, venues, places)) is not None:
                kinds[series.kind] = Known(ms, series.kind, run.started.date(), run.simulated)
    return {pair: kinds[min(kinds, key=RANKED.index)] for pair, kinds in found.items() if kinds}


def _median(run: Run, series: Series, venues: VenueList, places: Mapping[str, Place]) -> float | None:
    from fleet.latency.quantiles import quantiles

    found = quantiles(series.ms(series.phase, run.settings.drop_first))
    if found.n < FEWEST or judge(series, run.place, venues, places).answered is Answered.EDGE:
        return None
    return found.p50
