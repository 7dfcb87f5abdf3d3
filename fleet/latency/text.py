"""Measurements for people: rows of tables, and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fleet.latency.comparison import Compared, Comparison
from fleet.latency.quantiles import P95_FROM, P99_FROM
from fleet.latency.result import Run
from fleet.latency.simulated import SIMULATED
from fleet.latency.summary import Summary

Cells = tuple[str, ...]

KINDS = {
    "warm": "REST, connection kept",
    "websocket": "WebSocket ping",
    "tcp": "TCP connect",
    "cold": "REST, all anew",
}

KEPT_COLUMNS = ("venue", "what", "endpoint", "n", "p50 ms", "p95", "p99", "floor", "answered by", "errors")
COLD_COLUMNS = ("venue", "endpoint", "n", "DNS", "TCP", "TLS", "first byte", "all, p50 ms", "p95", "errors")
COMPARED_COLUMNS = (
    "venue",
    "what",
    "from",
    "p50 ms",
    "improved by [95 %]",
    "p95 ms",
    "improved by [95 %]",
    "floor",
    "specification",
    "answered by",
)


def ms(value: float | None) -> str:
    """A number of milliseconds as it is shown; what the count does not allow is a dash."""
    return "-" if value is None else f"{value:.1f}"


def endpoint(url: str) -> str:
    """A URL without its scheme."""
    return url.partition("://")[2] or url


def kept_rows(found: Iterable[Summary]) -> list[Cells]:
    """A row for each series on a kept connection, and for TCP connects."""
    rows: list[Cells] = []
    for one in found:
        if one.series.kind == "cold":
            continue
        main = one.main
        rows.append(
            (
                one.series.venue,
                KINDS[one.series.kind],
                endpoint(one.series.url),
                str(main.n),
                ms(main.p50),
                ms(main.p95),
                ms(main.p99),
                ms(one.verdict.floor_ms),
                str(one.verdict) if main.n else "nobody",
                one.errors_text,
            )
        )
    return rows


def cold_rows(found: Iterable[Summary]) -> list[Cells]:
    """A row for each endpoint whose phases were measured apart: the median of each, in ms."""
    rows: list[Cells] = []
    for one in found:
        if one.series.kind != "cold":
            continue
        phases = tuple(ms(one.phases[phase].p50) for phase in ("dns", "tcp", "tls", "ttfb", "total"))
        rows.append(
            (
                one.series.venue,
                endpoint(one.series.url),
                str(one.main.n),
                *phases,
                ms(one.main.p95),
                one.errors_text,
            )
        )
    return rows


def run_sentences(run: Run, found: Iterable[Summary]) -> Iterator[str]:
    """What the tables do not say."""
    if run.simulated:
        yield SIMULATED
    yield (
        f"{run.seconds:.0f} s from {run.started:%Y-%m-%d %H:%M:%S} UTC; the first {run.settings.drop_first} ticks of "
        f"each series do not count; p95 from {P95_FROM} samples, p99 from {P99_FROM}; latency counts from when a "
        "request was due"
    )
    for one in found:
        series = one.series
        if one.refusals:
            yield f"{series.venue} refuses {run.region} ({endpoint(series.url)}): HTTP {', '.join(one.refusals)}"
        if series.behind:
            yield (
                f"{series.venue} stalled ({endpoint(series.url)}): {series.behind} requests came due while an answer "
                "was waited for; they count from when they were due"
            )


def compared_rows(found: Comparison) -> list[Cells]:
    """A row for each endpoint and way."""
    return [
        (
            row.venue,
            KINDS[row.kind],
            f"{row.before_from} -> {row.after_from}",
            f"{ms(row.before.p50)} -> {ms(row.after.p50)}",
            _improved(row, "p50"),
            f"{ms(row.before.p95)} -> {ms(row.after.p95)}",
            _improved(row, "p95"),
            ms(row.floor_ms),
            str(row.claim),
            row.answered,
        )
        for row in found.rows
    ]


def _improved(row: Compared, quantile: str) -> str:
    found = row.improved[quantile]
    return f"too few samples ({row.before.n}, {row.after.n})" if found is None else str(found)


def comparison_sentences(found: Comparison) -> Iterator[str]:
    """What the table does not say."""
    if found.simulated:
        yield SIMULATED
    before = found.before
    yield f"before: from {before.region} ({before.place}), {before.started:%Y-%m-%d %H:%M} UTC"
    for run in found.after:
        yield f"after: from {run.region} ({run.place}), {run.started:%Y-%m-%d %H:%M} UTC"
    yield (
        "improved by: 1 - after / before of that quantile, with its 95 % interval (circular block bootstrap); "
        "not shown: 0 lies in it"
    )
    yield (
        "floor: the least that physics allows from there; specification: its claims, before most likely cold and all "
        "phases together, after a promise"
    )
    for why in found.one_sided:
        yield f"not compared: {why}"
