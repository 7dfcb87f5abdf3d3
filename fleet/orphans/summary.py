"""Orphans in a few lines, for commands that are about something else: never a reason for them to fail."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fleet.configuration import Configuration
from fleet.orphans.owned import Owned
from fleet.workspace import Workspace


@dataclass(frozen=True)
class OrphanSummary:
    """What a look for orphans came to."""

    servers: int
    addresses: int
    uncertain: int
    """Addresses of those that may be somebody else's."""
    monthly_usd: Decimal
    """What the servers cost by the price list, those without a known price left out."""
    named: tuple[str, ...]
    """Each with what can be done about it."""
    interrupted: tuple[str, ...]
    """Operations that a run began and did not see the end of: ``nj: creating Instance nj``."""
    not_looked: tuple[str, ...]
    """What could not be looked at, and why."""

    @property
    def count(self) -> int:
        return self.servers + self.addresses

    def lines(self) -> tuple[str, ...]:
        """What to print; nothing where there is nothing to say."""
        told = []
        if self.count:
            doubt = f" ({self.uncertain} of the addresses may be another's)" if self.uncertain else ""
            price = f", servers of a known price ${self.monthly_usd} a month" if self.servers else ""
            told.append(
                f"orphans: in no stack and paid for: servers {self.servers}, addresses {self.addresses}{doubt}{price}. "
                "See: fleet orphans"
            )
        told += [f"  {orphan}" for orphan in self.named]
        told += [f"interrupted: {operation}" for operation in self.interrupted]
        told += [f"orphans not looked for: {reason}" for reason in self.not_looked]
        return tuple(told)


def count_orphans(configuration: Configuration, workspace: Workspace) -> OrphanSummary:
    """Look for orphans; what cannot be looked at is told in the summary, not raised."""
    from fleet.engine import EngineError
    from fleet.orphans.search import monthly_usd, search
    from fleet.orphans.states import StateUnreadable

    try:
        findings = search(configuration, workspace)
    except (StateUnreadable, EngineError) as failure:
        return OrphanSummary(0, 0, 0, Decimal(0), (), (), (str(failure),))
    found = [orphan.owned for orphan in findings.orphans]
    prices = [monthly_usd(configuration, owned) for owned in found]
    return OrphanSummary(
        servers=sum(owned.what == "server" for owned in found),
        addresses=sum(owned.what == "address" for owned in found),
        uncertain=sum(not owned.certain for owned in found),
        monthly_usd=sum((price for price in prices if price is not None), Decimal(0)),
        named=tuple(_named(owned) for owned in found),
        interrupted=tuple(
            f"{operation.stack}: {operation.operation} {operation.type.rpartition(':')[2]} {operation.name}"
            for operation in findings.interrupted
        ),
        not_looked=tuple(f"{place.source}: {place.reason}" for place in findings.not_looked),
    )


def _named(owned: Owned) -> str:
    whose = f" of {owned.host}" if owned.host else ""
    return (
        f"{owned.provider} {owned.what} {owned.id}{whose} ({owned.address or 'no address yet'}, {owned.location}): "
        f"fleet orphans adopt {owned.id}, or fleet orphans delete {owned.id}"
    )
