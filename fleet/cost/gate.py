"""The budgets as a gate in the engine's own runs: what one stack would be, within the fleet as configured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.budget import judge
from fleet.cost.declared import declared_things
from fleet.cost.estimate import estimate
from fleet.cost.pricing import price_things
from fleet.cost.resources import thing_of, where_of
from fleet.cost.things import Priced, StandingServer
from fleet.cost.usage import Usage

BUDGET, PRICED = "budget", "priced"


@dataclass(frozen=True)
class Resource:
    """One resource of a stack as the engine would leave it."""

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """What a run is told."""

    policy: str
    """``budget``, which stops the run, or ``priced``, which does not."""
    message: str
    urn: str = ""


def violations(
    stack: str,
    resources: Iterable[Resource],
    config: Mapping[str, Any],
    configuration: Configuration,
    prices: PriceList,
    today: date,
) -> tuple[Violation, ...]:
    """Budgets that are exceeded, and resources that nobody here knows the price of.

    Args:
        config: the stack's, as the engine has it.
    """
    regions = {ref.id: ref.region for ref in configuration.hosts()}
    declared = declared_things(configuration)
    found: list[Violation] = []
    planned: list[Priced] = [row for row in declared if isinstance(row, StandingServer) and row.stack == stack]
    for resource in resources:
        thing = thing_of(where_of(resource.name, stack, regions, config), resource.type, resource.properties)
        if thing is not None:
            planned.append(thing)
            found += _unpriced(resource, thing, prices)
    others = [thing for thing in declared if thing.stack != stack]
    whole = estimate((*others, *planned), prices, Usage(), today)
    verdicts = judge(configuration.fleet, whole, whole)
    return (*(Violation(BUDGET, f"{verdict}. {ADVICE}") for verdict in verdicts if verdict.over), *found)


ADVICE = "See: fleet cost; the budgets are in fleet.yaml"


def _unpriced(resource: Resource, thing: Priced, prices: PriceList) -> Iterator[Violation]:
    for line in price_things([thing], prices, Usage()):
        if line.monthly_usd is None:
            yield Violation(PRICED, f"{line.row} is in no sum: {line.rule}", resource.urn)
