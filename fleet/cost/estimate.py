"""What came of pricing: lines, sums, what is included, and how far the prices can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fleet.catalogue.prices import PriceList
from fleet.catalogue.staleness import is_stale
from fleet.cost.line import Line
from fleet.cost.money import MONTHS, NOTHING
from fleet.cost.pricing import price_dns_use, price_things
from fleet.cost.things import Priced, Server, StandingServer
from fleet.cost.transfer import Allowance, price_transfer
from fleet.cost.usage import Usage

REFRESHED = ("vultr", "digitalocean", "lightsail", "ec2")
"""Services whose plans ``fleet catalogue refresh`` reads."""


@dataclass(frozen=True)
class Estimate:
    """A month of the fleet, or of a part of it."""

    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    today: date

    @property
    def monthly_usd(self) -> Decimal:
        """Sum of what is priced."""
        return total(self.lines)

    @property
    def yearly_usd(self) -> Decimal:
        """Twelve such months."""
        return self.monthly_usd * MONTHS

    @property
    def unpriced(self) -> tuple[Line, ...]:
        """Lines that are in no sum."""
        return tuple(line for line in self.lines if line.monthly_usd is None)

    def by_stack(self) -> Mapping[str, Decimal]:
        """The month's sum of each stack."""
        return self._by(lambda line: line.stack)

    def by_region(self) -> Mapping[str, Decimal]:
        """The month's sum of each region, its address included; what belongs to none is left out."""
        return {region: usd for region, usd in self._by(lambda line: line.region).items() if region}

    def part(self, stacks: Iterable[str]) -> Estimate:
        """The lines of some stacks, and those that count for their regions."""
        wanted = frozenset(stacks)
        kept = tuple(line for line in self.lines if line.stack in wanted or line.region in wanted)
        services = {line.service for line in kept}
        return Estimate(kept, tuple(row for row in self.allowances if row.service in services), self.today)

    def stale(self) -> tuple[str, ...]:
        """A warning for each source whose prices are old."""
        return stale_warnings(self.lines, self.today)

    def _by(self, key: Callable[[Line], str]) -> Mapping[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[key(line)] = sums.get(key(line), NOTHING) + (line.monthly_usd or NOTHING)
        return sums


def estimate(things: Iterable[Priced], prices: PriceList, usage: Usage, today: date) -> Estimate:
    """Price everything."""
    everything = tuple(things)
    servers = [thing for thing in everything if isinstance(thing, (Server, StandingServer))]
    transfer, allowances = price_transfer(servers, prices, usage)
    lines = (*price_things(everything, prices, usage), *transfer, *price_dns_use(usage, prices))
    return Estimate(tuple(lines), allowances, today)


def total(lines: Iterable[Line]) -> Decimal:
    """Sum of the lines that have a price."""
    return sum((line.monthly_usd for line in lines if line.monthly_usd is not None), NOTHING)


def stale_warnings(lines: Iterable[Line], today: date) -> tuple[str, ...]:
    """One sentence for each source and day that is too long ago."""
    counted: dict[tuple[str, str, date], int] = {}
    for line in lines:
        if line.origin is not None and line.origin.as_of is not None and is_stale(line.origin.as_of, today):
            key = (line.service, line.origin.source, line.origin.as_of)
            counted[key] = counted.get(key, 0) + 1
    return tuple(
        f"{count} price{'s' if count > 1 else ''} of {service} {'are' if count > 1 else 'is'} "
        f"{(today - as_of).days} days old ({source}, {as_of}). {_way_out(service)}"
        for (service, source, as_of), count in counted.items()
    )


def _way_out(service: str) -> str:
    if service in REFRESHED:
        return f"Run: fleet catalogue refresh {service}"
    return "Look it up, and write a row of your own (docs/cost.md)"
