"""Before and after: what was measured from the hub beside what is measured from the regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet.catalogue.catalogue import Place
from fleet.catalogue.claims import MEASURED_FROM
from fleet.catalogue.physics import Verdict, floor_ms, judge_expected, judge_measured
from fleet.catalogue.venue_sites import VenueList
from fleet.latency.bootstrap import Improvement, improvements
from fleet.latency.origin import judge, site_of
from fleet.latency.quantiles import Quantiles, quantiles
from fleet.latency.result import PLACEMENT_FACTS, Run, Series

COMPARED = ("warm", "websocket", "tcp", "cold")
"""Kinds of series, each with its like: cold with warm would not be fair."""

Active = Mapping[str, Iterable[str]]
"""Regions to the venues that they trade at or read from."""


class NothingToCompare(Exception):
    """There is no before, or no after; the text says which, and how to get it."""

    exit_code = 2


@dataclass(frozen=True)
class Claim:
    """What the specification says of a venue, in ms; None: nothing."""

    before_ms: float | None
    """Measured by its author in Mexico City, most likely cold and all phases together."""
    after_ms: tuple[float, float] | None
    """Promised from the place that is compared."""
    before_verdict: Verdict = Verdict.POSSIBLE
    after_verdict: Verdict = Verdict.POSSIBLE
    """What physics says to it, by the best that is known of where the venue is."""

    def __str__(self) -> str:
        before = "?" if self.before_ms is None else _judged(f"{self.before_ms:g}", self.before_verdict)
        if self.after_ms is None:
            return "" if self.before_ms is None else before
        low, high = self.after_ms
        after = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        return f"{before} -> {_judged(after, self.after_verdict)}"


def _judged(claim: str, verdict: Verdict) -> str:
    return claim if verdict is Verdict.POSSIBLE else f"{claim} ({verdict})"


@dataclass(frozen=True)
class Compared:
    """One endpoint in one way, before and after."""

    venue: str
    url: str
    kind: str
    phase: str
    before_from: str
    after_from: str
    """Regions."""
    before: Quantiles
    after: Quantiles
    improved: Mapping[str, Improvement | None]
    """By p50 and p95; None: too few samples."""
    floor_ms: float | None
    """From the region after; None: where the venue is, is not known."""
    answered: str
    """Who answered after."""
    claim: Claim
    refused: str
    """Statuses by which the venue refuses the region; empty: it does not."""


@dataclass(frozen=True)
class Comparison:
    """Every endpoint that was measured on both sides."""

    before: Run
    after: tuple[Run, ...]
    rows: tuple[Compared, ...]
    one_sided: tuple[str, ...]
    """Venues of which only one side has samples, and why."""

    @property
    def simulated(self) -> bool:
        """Whether any of it was measured in a lab."""
        return self.before.simulated or any(run.simulated for run in self.after)


def compare(
    runs: Iterable[Run],
    venues: VenueList,
    places: Mapping[str, Place],
    active: Active,
    wanted: Sequence[str] = (),
    regions: Sequence[str] = (),
) -> Comparison:
    """The newest baseline against the newest run of each region.

    For each endpoint the region that is compared is the fastest of those that use the venue; where none of them has
    measured, the fastest of all.

    Args:
        runs: the newest first.
        wanted: venues; none: all.
        regions: regions after; none: all but the baseline's.

    Raises:
        NothingToCompare: a side is missing.
    """
    before, after = sides(runs, regions)
    rows: list[Compared] = []
    one_sided: list[str] = []
    for old in before.series:
        if wanted and old.venue not in wanted:
            continue
        pairs = [(run, new) for run in after for new in run.series if (new.url, new.kind) == (old.url, old.kind)]
        own = [pair for pair in pairs if old.venue in active.get(pair[0].region, ())]
        old_ms = old.ms(old.phase, before.settings.drop_first)
        fastest = _fastest(own or pairs)
        if not old_ms or fastest is None:
            if pairs:
                one_sided.append(_why(old, old_ms, before, own or pairs))
            continue
        run, new = fastest
        rows.append(_row(old, before, new, run, venues, places))
    rows.sort(key=lambda row: (COMPARED.index(row.kind), list(venues.by_name).index(row.venue)))
    return Comparison(before, after, tuple(rows), tuple(dict.fromkeys(one_sided)))


def sides(runs: Iterable[Run], regions: Sequence[str] = ()) -> tuple[Run, tuple[Run, ...]]:
    """The newest baseline, and of each region the newest run that is none; a venue measured later in a run of its own
    takes the place of the one before.

    Raises:
        NothingToCompare: a side is missing.
    """
    kept = list(runs)
    before = next((run for run in kept if run.baseline), None)
    if before is None:
        raise NothingToCompare("no baseline is kept: fleet latency baseline, before or while the regions stand")
    latest: dict[str, Run] = {}
    for run in kept:
        if run.baseline or run.simulated != before.simulated or (regions and run.region not in regions):
            continue
        if not regions and run.region == before.region:
            continue
        newer = latest.get(run.region)
        latest[run.region] = run if newer is None else _with(newer, run)
    if not latest:
        which = f" of {', '.join(regions)}" if regions else ""
        raise NothingToCompare(f"no region's measurement is kept{which}: fleet latency measure")
    return before, tuple(latest.values())


def _with(newer: Run, older: Run) -> Run:
    """A run with what an older one measured and it did not."""
    known = {(series.url, series.kind) for series in newer.series}
    missing = tuple(series for series in older.series if (series.url, series.kind) not in known)
    return newer.model_copy(update={"series": newer.series + missing}) if missing else newer


def _fastest(pairs: Sequence[tuple[Run, Series]]) -> tuple[Run, Series] | None:
    measured = [(quantiles(_ms(run, series)).p50, number) for number, (run, series) in enumerate(pairs)]
    found = [(p50, number) for p50, number in measured if p50 is not None]
    return pairs[min(found)[1]] if found else None


def _ms(run: Run, series: Series) -> list[float]:
    return series.ms(series.phase, run.settings.drop_first)


def _row(old: Series, before: Run, new: Series, after: Run, venues: VenueList, places: Mapping[str, Place]) -> Compared:
    old_ms, new_ms = _ms(before, old), _ms(after, new)
    site = site_of(new, venues)
    there = site.place if site is not None and not site.edge else ""
    improved = improvements(old_ms, new_ms)
    verdict = judge(_with_headers(new, after), after.place, venues, places)
    return Compared(
        venue=new.venue,
        url=new.url,
        kind=new.kind,
        phase=new.phase,
        before_from=before.region,
        after_from=after.region,
        before=quantiles(old_ms),
        after=quantiles(new_ms),
        improved={"p50": improved[0.5], "p95": improved[0.95]},
        floor_ms=floor_ms(places[after.place], places[there]) if there and after.place in places else None,
        answered=str(verdict.answered),
        claim=_claim(new, after.place, venues, places),
        refused=", ".join(kind for kind in PLACEMENT_FACTS if any(error[1] == kind for error in new.errors)),
    )


def _with_headers(series: Series, run: Run) -> Series:
    """Headers come with cold requests; what they tell holds for the endpoint."""
    headers: dict[str, str] = {}
    for one in run.series:
        if one.url == series.url:
            headers.update(one.headers)
    return series.model_copy(update={"headers": headers})


def _claim(series: Series, place: str, venues: VenueList, places: Mapping[str, Place]) -> Claim:
    venue = venues.by_name.get(series.venue)
    site = site_of(series, venues)
    promised = next(
        (
            (claim.low_ms, claim.high_ms)
            for claim in venues.claims
            if claim.place == place and claim.venue == series.venue and (site is None or claim.at == site.name)
        ),
        None,
    )
    measured = venue.claimed_ms_from_cdmx if venue is not None else None
    if site is None or not site.place:
        return Claim(measured, promised)
    there = places[site.place]
    return Claim(
        measured,
        promised,
        Verdict.POSSIBLE if measured is None else judge_measured(measured, places[MEASURED_FROM], there),
        Verdict.POSSIBLE if promised is None else judge_expected(promised[1], places[place], there),
    )


def _why(old: Series, old_ms: Sequence[float], before: Run, pairs: Sequence[tuple[Run, Series]]) -> str:
    blank = (before, old) if not old_ms else pairs[0]
    kinds = ", ".join(dict.fromkeys(kind for _, kind, _ in blank[1].errors)) or "no samples"
    return f"{old.venue} {old.kind} from {blank[0].region}: {kinds}"
