"""A run in numbers: for each series its quantiles, its errors by kind, and who answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fleet.catalogue.catalogue import Place
from fleet.catalogue.venue_sites import VenueList
from fleet.latency.origin import Verdict, judge
from fleet.latency.quantiles import Quantiles, quantiles
from fleet.latency.result import PLACEMENT_FACTS, Run, Series


@dataclass(frozen=True)
class Summary:
    """One series in numbers."""

    series: Series
    phases: Mapping[str, Quantiles]
    errors: Mapping[str, int]
    """By kind."""
    verdict: Verdict

    @property
    def main(self) -> Quantiles:
        """Of the phase that stands for the series."""
        return self.phases[self.series.phase]

    @property
    def refusals(self) -> tuple[str, ...]:
        """Statuses by which the venue refuses this place."""
        return tuple(kind for kind in PLACEMENT_FACTS if kind in self.errors)

    @property
    def errors_text(self) -> str:
        """The errors in words; empty: none."""
        return ", ".join(f"{number} x {kind}" for kind, number in self.errors.items())


def summaries(run: Run, venues: VenueList, places: Mapping[str, Place]) -> tuple[Summary, ...]:
    """Every series of a run, without the first ticks that do not count."""
    drop = run.settings.drop_first
    # Headers come with requests of their own; what they tell holds for the endpoint.
    headers: dict[str, dict[str, str]] = {}
    for series in run.series:
        headers.setdefault(series.url, {}).update(series.headers)
    return tuple(
        Summary(
            series,
            {phase: quantiles(series.ms(phase, drop)) for phase in series.phases},
            Counter(kind for _, kind, _ in series.errors),
            judge(series.model_copy(update={"headers": headers[series.url]}), run.place, venues, places),
        )
        for series in run.series
    )
