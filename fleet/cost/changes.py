"""What a preview changes: each resource's cost before and after, and the whole fleet's as it would be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.budget import Verdict, judge
from fleet.cost.declared import declared_things
from fleet.cost.estimate import Estimate, estimate, stale_warnings, total
from fleet.cost.line import Line
from fleet.cost.plan import Plan, Step
from fleet.cost.pricing import price_things
from fleet.cost.resources import thing_of, where_of
from fleet.cost.things import Priced, StandingServer
from fleet.cost.usage import Usage


@dataclass(frozen=True)
class Change:
    """One row before and after."""

    op: str
    before: Line | None
    """None: it is not there."""
    after: Line | None
    """None: it would not be there."""

    @property
    def line(self) -> Line:
        """The row as it would be, or as it was."""
        line = self.after or self.before
        assert line is not None
        return line

    @property
    def difference_usd(self) -> Decimal | None:
        """None where one of both is unpriced."""
        sides = [line.monthly_usd if line is not None else Decimal(0) for line in (self.after, self.before)]
        return None if None in sides else sides[0] - sides[1]  # type: ignore[operator]


@dataclass(frozen=True)
class Changes:
    """Everything that some previews change, and what the fleet would cost then."""

    rows: tuple[Change, ...]
    whole: Estimate | None
    """The whole fleet: these stacks as previewed, all others as configured; None without a configuration."""
    verdicts: tuple[Verdict, ...]
    today: date

    @property
    def before_usd(self) -> Decimal:
        """What these stacks cost as they stand."""
        return total(row.before for row in self.rows if row.before is not None)

    @property
    def after_usd(self) -> Decimal:
        """What they would cost."""
        return total(row.after for row in self.rows if row.after is not None)

    @property
    def unpriced(self) -> tuple[Line, ...]:
        """Rows that are there, or would be, and are in no sum of theirs."""
        sides = (
            row.after if row.after is not None and row.after.monthly_usd is None else row.before for row in self.rows
        )
        return tuple(line for line in sides if line is not None and line.monthly_usd is None)

    @property
    def over_budget(self) -> bool:
        """Whether a budget would be exceeded."""
        return any(verdict.over for verdict in self.verdicts)

    def counts(self) -> Mapping[str, int]:
        """How many rows each operation has."""
        return Counter(row.op for row in self.rows)

    def stale(self) -> tuple[str, ...]:
        """A warning for each source whose prices are old."""
        return stale_warnings((row.line for row in self.rows), self.today)


def changes(
    plans: Sequence[Plan], configuration: Configuration | None, prices: PriceList, usage: Usage, today: date
) -> Changes:
    """Price what some stacks' previews change.

    Args:
        configuration: of the fleet; without one there are no budgets, and the rest of the fleet is not known.
    """
    regions = {ref.id: ref.region for ref in configuration.hosts()} if configuration else {}
    declared = declared_things(configuration) if configuration else ()
    rows: list[Change] = []
    planned: list[Priced] = []
    for plan in plans:
        standing = [row for row in declared if isinstance(row, StandingServer) and row.stack == plan.stack]
        rows += (Change("same", line, line) for line in price_things(standing, prices, usage))
        planned += standing
        for step in plan.steps:
            old, new = _things(step, plan, regions)
            rows += _rows(step.op, old, new, prices, usage)
            planned += () if new is None else (new,)
    if configuration is None:
        return Changes(tuple(rows), None, (), today)
    stacks = {plan.stack for plan in plans}
    others = [thing for thing in declared if thing.stack not in stacks]
    whole = estimate((*others, *planned), prices, usage, today)
    return Changes(tuple(rows), whole, judge(configuration.fleet, whole, whole), today)


def _things(step: Step, plan: Plan, regions: Mapping[str, str]) -> tuple[Priced | None, Priced | None]:
    if not step.custom:
        return None, None
    where = where_of(step.name, step.stack, regions, plan.config)
    old = thing_of(where, step.type, step.old) if step.old is not None else None
    new = thing_of(where, step.type, step.new) if step.new is not None else None
    return old, new


def _rows(op: str, old: Priced | None, new: Priced | None, prices: PriceList, usage: Usage) -> Iterator[Change]:
    before = _by_row(price_things([old] if old else [], prices, usage))
    after = _by_row(price_things([new] if new else [], prices, usage))
    for row in dict.fromkeys((*before, *after)):
        yield Change(op, before.get(row), after.get(row))


def _by_row(lines: Iterable[Line]) -> Mapping[str, Line]:
    return {line.row: line for line in lines}
