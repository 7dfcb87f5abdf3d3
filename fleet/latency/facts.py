"""Measurements for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.latency.comparison import Compared, Comparison
from fleet.latency.quantiles import Quantiles
from fleet.latency.result import Run
from fleet.latency.summary import Summary


def run_facts(run: Run, found: Iterable[Summary], file: str | None) -> dict[str, object]:
    """One run in numbers; the samples are in its file, which is None where none was written (yet)."""
    return {
        "host": run.host,
        "region": run.region,
        "place": run.place,
        "started": run.started.isoformat(),
        "seconds": run.seconds,
        "simulated": run.simulated,
        "baseline": run.baseline,
        "catalogue": run.catalogue.model_dump(),
        "drop_first": run.settings.drop_first,
        "file": file,
        "series": [summary_facts(one) for one in found],
    }


def summary_facts(one: Summary) -> dict[str, object]:
    """One series in numbers, ms."""
    series = one.series
    return {
        "venue": series.venue,
        "transport": series.transport,
        "url": series.url,
        "kind": series.kind,
        "n": one.main.n,
        "phases": {phase: quantile_facts(found) for phase, found in one.phases.items()},
        "errors": dict(one.errors),
        "refused": list(one.refusals),
        "behind": series.behind,
        "reconnects": series.reconnects,
        "answered": str(one.verdict.answered),
        "answered_why": one.verdict.why or None,
        "floor_ms": _rounded(one.verdict.floor_ms),
        "addresses": list(series.addresses),
    }


def quantile_facts(found: Quantiles) -> Mapping[str, float | int | None]:
    """Quantiles in ms; null: the count does not allow it."""
    return {"n": found.n, "p50": found.p50, "p95": found.p95, "p99": found.p99, "max": found.most}


def comparison_facts(found: Comparison) -> dict[str, object]:
    """Every row of a comparison."""
    return {
        "simulated": found.simulated,
        "before": {"region": found.before.region, "started": found.before.started.isoformat()},
        "after": [{"region": run.region, "started": run.started.isoformat()} for run in found.after],
        "rows": [_row_facts(row) for row in found.rows],
        "not_compared": list(found.one_sided),
    }


def _row_facts(row: Compared) -> dict[str, object]:
    return {
        "venue": row.venue,
        "url": row.url,
        "kind": row.kind,
        "phase": row.phase,
        "before_from": row.before_from,
        "after_from": row.after_from,
        "before": quantile_facts(row.before),
        "after": quantile_facts(row.after),
        "improved": {
            quantile: None
            if one is None
            else {
                "share": round(one.share, 4),
                "low": round(one.low, 4),
                "high": round(one.high, 4),
                "shown": one.shown,
            }
            for quantile, one in row.improved.items()
        },
        "floor_ms": _rounded(row.floor_ms),
        "claim_before_ms": row.claim.before_ms,
        "claim_after_ms": list(row.claim.after_ms) if row.claim.after_ms is not None else None,
        "claim_before_is": str(row.claim.before_verdict),
        "claim_after_is": str(row.claim.after_verdict),
        "answered": row.answered,
        "refused": row.refused or None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
