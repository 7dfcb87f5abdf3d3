"""The whole question at once: a checked configuration in; estimate, the part that was asked for, and budgets out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fleet.catalogue.overlay import FOLDER
from fleet.catalogue.price_reading import load_prices
from fleet.catalogue.prices import PriceList
from fleet.configuration import Configuration
from fleet.cost.budget import Verdict, judge
from fleet.cost.declared import declared_things
from fleet.cost.estimate import Estimate, estimate
from fleet.cost.things import Priced
from fleet.cost.usage import Usage, read_usage
from fleet.model.nearest import nearest
from fleet.model.stack import ADDRESSES

DNS = "dns"


class NoSuchStack(Exception):
    """A name that is no stack of this fleet; the text names those that are."""

    exit_code = 2


@dataclass(frozen=True)
class Answer:
    """What the fleet costs."""

    things: tuple[Priced, ...]
    prices: PriceList
    usage: Usage
    whole: Estimate
    shown: Estimate
    """The part that was asked for."""
    verdicts: tuple[Verdict, ...]

    @property
    def over_budget(self) -> bool:
        """Whether a budget is exceeded."""
        return any(verdict.over for verdict in self.verdicts)


def answer(
    root: Path, configuration: Configuration, stacks: Sequence[str], usage_file: Path | None, today: date
) -> Answer:
    """Price a configuration.

    Args:
        root: the fleet's folder, which may have a catalogue of its own.
        stacks: those to show; none: all.

    Raises:
        NoSuchStack: one of them is unknown.
        fleet.model.problems.ConfigurationError: the usage file has problems.
    """
    refuse_unknown(configuration, stacks)
    usage = read_usage(usage_file, configuration.stacks) if usage_file else Usage()
    prices = load_prices(configuration.catalogue, root / FOLDER)
    things = declared_things(configuration)
    whole = estimate(things, prices, usage, today)
    shown = whole.part(stacks) if stacks else whole
    return Answer(things, prices, usage, whole, shown, judge(configuration.fleet, whole, shown))


def places_of(configuration: Configuration) -> Mapping[str, str]:
    """Region to place."""
    return {name: region.place for name, region in configuration.fleet.regions.items()}


def venue_places_of(configuration: Configuration) -> Mapping[str, tuple[str, ...]]:
    """Region to the places of the venues that it serves; venues that a content network answers for have none."""
    places: dict[str, list[str]] = {}
    for site in configuration.venues.sites:
        if site.place and not site.edge:
            places.setdefault(site.venue.name, []).append(site.place)
    return {
        name: tuple(place for use in stack.venues for place in places.get(use.venue, ()))
        for name, stack in configuration.stacks.items()
    }


def refuse_unknown(configuration: Configuration, stacks: Sequence[str]) -> None:
    """Raises NoSuchStack for the first name that is no stack."""
    known = (*configuration.stacks, ADDRESSES, DNS)
    for name in stacks:
        if name not in known:
            hint = nearest(name, known)
            raise NoSuchStack(f"no stack '{name}'. {hint + ' ' if hint else ''}Stacks: {', '.join(known)}")
