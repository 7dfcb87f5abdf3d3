"""Previews, read as a decision: what the fleet would cost, what is left of its budgets, and what gets closer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.changes import Changes, changes
from fleet.cost.plan import Plan, Step
from fleet.cost.usage import Usage
from fleet.model.venue import MODES, Mode
from fleet.placement.gains import Gain, gains

if TYPE_CHECKING:
    from fleet.latency.known import Known, Pair

HOST = "pulumi-python:dynamic/infra:BaseHost"
"""The resource that every host of a fleet has, whoever rents it (``infra.adapter``)."""


@dataclass(frozen=True)
class Closer:
    """A venue that an added region brings closer."""

    gain: Gain
    mode: Mode | None
    """How the added region uses it; None: its stack file does not name it."""


@dataclass(frozen=True)
class Outlook:
    """What some previews come to."""

    changes: Changes
    added: tuple[str, ...]
    """Regions that would get their first host."""
    standing: tuple[str, ...]
    """Regions that they are compared with: the hub, those whose previews show a host, and those that are open and that
    nobody asked a preview of."""
    closer: tuple[Closer, ...]
    not_counted: tuple[str, ...]
    """Stacks whose previews failed, or were not reached."""


def outlook(
    plans: Sequence[Plan],
    asked: Sequence[str],
    configuration: Configuration,
    prices: PriceList,
    today: date,
    measured: Mapping[Pair, Known] | None = None,
) -> Outlook:
    """Join what the engine says with what the catalogue knows.

    Args:
        plans: of the previews that ended well.
        asked: every stack that was to be previewed.
        measured: round trips that take the place of estimates.
    """
    hub = configuration.fleet.hub
    previewed = {plan.stack: plan for plan in plans}
    open_unseen = set(configuration.addresses.regions) - set(asked)
    there = {hub, *open_unseen, *(name for name, plan in previewed.items() if _stands(plan))}
    standing = tuple(name for name in configuration.stacks if name in there)
    added = tuple(
        name for name in configuration.stacks if name not in there and name in previewed and _comes(previewed[name])
    )
    places = {name: region.place for name, region in configuration.fleet.regions.items()}
    closer = tuple(
        Closer(gain, _mode(configuration, gain))
        for gain in gains(places, standing, added, configuration.venues, measured)
    )
    return Outlook(
        changes(plans, configuration, prices, Usage(), today),
        added,
        standing,
        closer,
        tuple(name for name in asked if name not in previewed),
    )


def _has_host(states: Iterable[tuple[Step, Mapping[str, Any] | None]]) -> bool:
    return any(step.type == HOST and inputs is not None for step, inputs in states)


def _stands(plan: Plan) -> bool:
    return _has_host((step, step.old) for step in plan.steps)


def _comes(plan: Plan) -> bool:
    return not _stands(plan) and _has_host((step, step.new) for step in plan.steps)


def _mode(configuration: Configuration, gain: Gain) -> Mode | None:
    """Of several accounts at one site the one that trades."""
    modes = {
        use.mode
        for use in configuration.stacks[gain.region].venues
        if use.venue == gain.venue and gain.site in (use.venue, f"{use.venue}/{use.account}")
    }
    return next((mode for mode in MODES if mode in modes), None)
