"""The specification's cost table beside ours, row by row, with the reason of each difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue.market import SpecificationCost
from fleet.cost.estimate import Estimate, total
from fleet.cost.facts import amount
from fleet.cost.line import Line
from fleet.cost.money import MONTHS, NOTHING, signed, text

TYPICAL_USD_PER_GB = Decimal("0.01")
"""Of Vultr and DigitalOcean, where the specification puts these servers."""


@dataclass(frozen=True)
class Compared:
    """One row of the comparison."""

    title: str
    claimed_usd: Decimal
    """What the specification says; zero for a region that its table does not have."""
    monthly_usd: Decimal | None
    """Ours; None where the fleet has no region in that place."""
    reasons: tuple[str, ...]

    @property
    def difference_usd(self) -> Decimal | None:
        """Ours less the claim."""
        return None if self.monthly_usd is None else self.monthly_usd - self.claimed_usd


def compare(
    estimate: Estimate, claims: Sequence[SpecificationCost], places: Mapping[str, str]
) -> tuple[tuple[Compared, ...], tuple[Compared, ...]]:
    """The rows of the specification's table, and the regions that it has not.

    Args:
        places: region to place.
    """
    by_place = {place: region for region, place in places.items()}
    rows = tuple(_row(claim, by_place.get(claim.place), estimate) for claim in claims)
    claimed = {claim.place for claim in claims}
    others = tuple(
        Compared(region, NOTHING, total(_lines(estimate, region)), ("not in the specification's table",))
        for region, place in places.items()
        if place not in claimed
    )
    return rows, others


def _lines(estimate: Estimate, region: str) -> tuple[Line, ...]:
    return tuple(line for line in estimate.lines if line.region == region)


def _row(claim: SpecificationCost, region: str | None, estimate: Estimate) -> Compared:
    if region is None:
        return Compared(claim.title, claim.monthly_usd, None, ("the fleet has no region there",))
    lines = _lines(estimate, region)
    return Compared(claim.title, claim.monthly_usd, total(lines), tuple(_reasons(claim, lines)))


def _reasons(claim: SpecificationCost, lines: Sequence[Line]) -> Iterator[str]:
    servers = [line for line in lines if line.row.endswith("/server")]
    server = total(servers)
    names = ", ".join(line.what for line in servers)
    if server != claim.server_usd:
        yield (
            f"server {signed(server - claim.server_usd)}: {names} is listed at {text(server)}, "
            f"the specification says {text(claim.server_usd)} for {claim.size}"
        )
    bandwidth = total(line for line in lines if line.row.endswith("/transfer"))
    if bandwidth != claim.bandwidth_usd:
        yield (
            f"traffic {signed(bandwidth - claim.bandwidth_usd)}: {text(bandwidth)} with this usage, beyond what plans "
            f"include; the specification's {text(claim.bandwidth_usd)} would be "
            f"{claim.bandwidth_usd / TYPICAL_USD_PER_GB:,.0f} GB beyond it at USD {TYPICAL_USD_PER_GB} a GB"
        )
    rest = total(lines) - server - bandwidth
    if rest:
        what = ", ".join(
            line.row.partition("/")[2] for line in lines if not line.row.endswith(("/server", "/transfer"))
        )
        yield f"{what} {signed(rest)}: not in the specification's table"
    for line in lines:
        if line.monthly_usd is None:
            yield f"{line.row} is unpriced: {line.rule}"


def comparison_rows(rows: Sequence[Compared]) -> list[tuple[str, str, str, str, str]]:
    """The rows of a table."""
    return [
        (
            row.title,
            text(row.claimed_usd),
            "none" if row.monthly_usd is None else text(row.monthly_usd),
            "" if row.difference_usd is None else signed(row.difference_usd),
            "; ".join(row.reasons),
        )
        for row in rows
    ]


def comparison_sum(rows: Sequence[Compared]) -> str:
    """Both totals in one sentence."""
    claimed = sum((row.claimed_usd for row in rows), NOTHING)
    ours = sum((row.monthly_usd for row in rows if row.monthly_usd is not None), NOTHING)
    return (
        f"total of these {len(rows)}: the specification {text(claimed)}, ours {text(ours)} ({signed(ours - claimed)}) "
        f"a month; {text(claimed * MONTHS)} and {text(ours * MONTHS)} a year"
    )


def comparison_facts(rows: Sequence[Compared], others: Sequence[Compared]) -> dict[str, object]:
    """The comparison for programs."""
    return {
        "claimed_usd": amount(sum((row.claimed_usd for row in rows), NOTHING)),
        "monthly_usd": amount(sum((row.monthly_usd for row in rows if row.monthly_usd is not None), NOTHING)),
        "rows": [_facts(row) for row in rows],
        "other_regions": [_facts(row) for row in others],
    }


def _facts(row: Compared) -> dict[str, object]:
    return {
        "title": row.title,
        "claimed_usd": amount(row.claimed_usd),
        "monthly_usd": amount(row.monthly_usd),
        "difference_usd": amount(row.difference_usd),
        "reasons": list(row.reasons),
    }
