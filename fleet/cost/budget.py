"""Whether an estimate stays within the budgets of fleet.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fleet.cost.estimate import Estimate
from fleet.cost.money import NOTHING, text
from fleet.model.fleet import Fleet


@dataclass(frozen=True)
class Verdict:
    """One budget and what is spent of it."""

    name: str
    """``fleet``, ``region nj`` or ``phase 1``."""
    limit_usd: Decimal
    monthly_usd: Decimal
    unpriced: int
    """Lines that are not in ``monthly_usd``: the verdict can only be worse."""

    @property
    def over(self) -> bool:
        """Whether more is spent than the limit."""
        return self.monthly_usd > self.limit_usd

    @property
    def left_usd(self) -> Decimal:
        """What may still be spent; negative when over."""
        return self.limit_usd - self.monthly_usd

    def __str__(self) -> str:
        state = f"OVER by {text(-self.left_usd)}" if self.over else f"{text(self.left_usd)} left"
        unknown = f", {self.unpriced} unpriced not counted" if self.unpriced else ""
        return f"budget of {self.name}: {text(self.monthly_usd)} of {text(self.limit_usd)}: {state}{unknown}"


def judge(fleet: Fleet, whole: Estimate, shown: Estimate) -> tuple[Verdict, ...]:
    """The fleet's budget, of the whole of it, and those of the regions, and of their phases, that are shown."""
    verdicts = []
    if fleet.budgets.monthly_usd is not None:
        verdicts.append(Verdict("fleet", fleet.budgets.monthly_usd, whole.monthly_usd, len(whole.unpriced)))
    spent, regions = whole.by_region(), shown.by_region()
    for region, limit in fleet.budgets.regions.items():
        if region in regions:
            unknown = sum(line.region == region for line in whole.unpriced)
            verdicts.append(Verdict(f"region {region}", limit, spent.get(region, NOTHING), unknown))
    for phase, limit in fleet.budgets.phases.items():
        members = {name for name, region in fleet.regions.items() if str(region.phase) == phase}
        if members & set(regions):
            unknown = sum(line.region in members for line in whole.unpriced)
            usd = sum((spent.get(name, NOTHING) for name in members), NOTHING)
            verdicts.append(Verdict(f"phase {phase}", limit, usd, unknown))
    return tuple(verdicts)
