"""The whole refresh: read every list that is asked for, compare, and write only if all of them arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from fleet.catalogue import Catalogue
from fleet.cost.estimate import REFRESHED
from fleet.cost.refresh.aws import Ec2Prices, LightsailPrices
from fleet.cost.refresh.comparison import Comparison, compare
from fleet.cost.refresh.digitalocean import DigitalOceanPrices
from fleet.cost.refresh.listed import PriceLister
from fleet.cost.refresh.vultr import VultrPrices
from fleet.cost.refresh.writing import file_of, own_plans, render, write_all
from fleet.orphans.providers.listing import ListingFailed


class RefreshFailed(Exception):
    """Not every list could be read. Nothing was written."""


@dataclass(frozen=True)
class Refresh:
    """What was read, and what would be written where."""

    comparisons: tuple[Comparison, ...]
    texts: Mapping[Path, str]
    spared: Mapping[str, str]
    """Plans that the user has rows of: ``service plan`` to the file that has it."""

    def write(self) -> None:
        """Write it."""
        write_all(self.texts)


def look(
    services: Sequence[str], catalogue: Catalogue, folder: Path, environment: Mapping[str, str], today: date
) -> Refresh:
    """Read the lists of some services. Writes nothing.

    Raises:
        RefreshFailed: with a line for each list that could not be read.
    """
    failures: list[str] = []
    comparisons: list[Comparison] = []
    texts: dict[Path, str] = {}
    spared: dict[str, str] = {}
    for service in services:
        lister = _lister(service, catalogue, environment)
        try:
            found = compare(service, lister.list_plans(), catalogue)
        except ListingFailed as failure:
            failures.append(str(failure))
            continue
        own = own_plans(folder, service)
        spared |= {f"{service} {plan.name}": own[plan.name] for plan in found.kept if plan.name in own}
        kept = [plan for plan in found.kept if plan.name not in own]
        changed = tuple(change for change in found.changes if change.plan not in own)
        comparisons.append(replace(found, changes=changed))
        texts[file_of(folder, service)] = render(lister.source, kept, today)
    if failures:
        raise RefreshFailed("the catalogue stays as it is:\n" + "\n".join(f"  {line}" for line in failures))
    return Refresh(tuple(comparisons), texts, spared)


def _lister(service: str, catalogue: Catalogue, environment: Mapping[str, str]) -> PriceLister:
    match service:
        case "vultr":
            return VultrPrices(environment)
        case "digitalocean":
            return DigitalOceanPrices(environment)
        case "lightsail":
            return LightsailPrices(environment)
        case "ec2":
            return Ec2Prices(environment, [plan.name for plan in catalogue.plans_of("ec2")])
    raise RefreshFailed(f"no live prices of '{service}'. Allowed: {', '.join(REFRESHED)}")
