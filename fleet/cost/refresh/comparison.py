"""What a provider lists now, beside what the catalogue has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue import Catalogue, Plan
from fleet.cost.refresh.listed import ListedPlan, Price


@dataclass(frozen=True)
class PriceChange:
    """One price that is another one now."""

    service: str
    plan: str
    location: str
    """Empty: wherever no other price holds."""
    before_usd: Decimal | None
    """A month; None: the catalogue had none."""
    after_usd: Decimal | None

    @property
    def percent(self) -> Decimal | None:
        """By how much; None where one side is not known."""
        if not self.before_usd or self.after_usd is None:
            return None
        return ((self.after_usd / self.before_usd - 1) * 100).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class Comparison:
    """One provider's list against the catalogue."""

    service: str
    changes: tuple[PriceChange, ...]
    kept: tuple[ListedPlan, ...]
    """The catalogue's plans as they are listed now: what is written."""
    gone: tuple[str, ...]
    """Plans of the catalogue that are listed no more; their rows stay as they are."""
    others: int
    """Plans on the list that the catalogue has not."""


def compare(service: str, listed: Iterable[ListedPlan], catalogue: Catalogue) -> Comparison:
    """Set a list against the catalogue's plans of one service."""
    by_name = {plan.name: plan for plan in listed}
    ours = catalogue.plans_of(service)
    known = [(plan, by_name[plan.name]) for plan in ours if plan.name in by_name]
    return Comparison(
        service=service,
        changes=tuple(change for plan, now in known for change in _changes(plan, now, catalogue)),
        kept=tuple(now for _, now in known),
        gone=tuple(plan.name for plan in ours if plan.name not in by_name),
        others=len(by_name) - len(known),
    )


def _changes(plan: Plan, now: ListedPlan, catalogue: Catalogue) -> Iterator[PriceChange]:
    if not now.only_there and plan.monthly_usd != now.price.monthly_usd:
        yield PriceChange(plan.service, plan.name, "", plan.monthly_usd, now.price.monthly_usd)
    for site in catalogue.locations_of(plan.service):
        before, after = plan.price_at(site.name), _at(now, site.name)
        general = (plan.monthly_usd, now.price.monthly_usd)
        pair = (before.monthly_usd if before else None, after.monthly_usd if after else None)
        if pair[0] != pair[1] and pair != general:
            yield PriceChange(plan.service, plan.name, site.name, *pair)


def _at(now: ListedPlan, location: str) -> Price | None:
    prices: Mapping[str, Price] = now.location_prices
    return prices.get(location) if now.only_there else prices.get(location, now.price)
