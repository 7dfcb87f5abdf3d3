"""Traffic beyond what is included, by each seller's own rule of who shares what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fleet.catalogue.catalogue import Plan
from fleet.catalogue.prices import MONTH_HOURS, PriceList, Transfer
from fleet.cost.line import Line, Origin
from fleet.cost.money import cents
from fleet.cost.things import Server, StandingServer
from fleet.cost.usage import Usage


@dataclass(frozen=True)
class Allowance:
    """What is included and used, of an account's pool or of one server."""

    service: str
    owner: str
    """``account``, or the server's id."""
    included_gb: Decimal | None
    """None: not known for one of its plans."""
    used_gb: Decimal
    excess_gb: Decimal


@dataclass(frozen=True)
class _Use:
    """One server's part."""

    server: Server
    included_gb: Decimal | None
    out_gb: Decimal
    in_gb: Decimal


def price_transfer(
    servers: Iterable[Server | StandingServer], prices: PriceList, usage: Usage
) -> tuple[tuple[Line, ...], tuple[Allowance, ...]]:
    """The lines of traffic that is billed, and what is included, by service."""
    everyone = tuple(servers)
    first = _first_of_each_region(everyone)
    by_service: dict[str, list[Server]] = {}
    lines: list[Line] = []
    allowances: list[Allowance] = []
    for server in everyone:
        if isinstance(server, Server):
            by_service.setdefault(server.service, []).append(server)
        elif server.id in first and usage.of(server.region).gb_out:
            lines.append(_unpriced_line(server, "existing", STANDING))
    for service, group in by_service.items():
        rule = prices.transfer.get(service)
        uses = [_use(server, prices, rule, usage, first) for server in group]
        if rule is None:
            lines += [_unpriced(use, "no rule for its traffic is known") for use in uses if use.out_gb]
        elif rule.pool == "account":
            account = _pooled(service, rule, uses)
            allowances.append(account)
            lines += _account_lines(rule, account, uses)
        else:
            own = [_own(rule, use) for use in uses]
            allowances += own
            lines += [
                line
                for allowance, use in zip(own, uses, strict=True)
                for line in _account_lines(rule, allowance, [use])
            ]
    return tuple(lines), tuple(allowances)


STANDING = "what the seller of a server that stands already includes and asks for traffic, no price list here says"


def _first_of_each_region(servers: Iterable[Server | StandingServer]) -> frozenset[str]:
    """A region's traffic is counted at one of its servers: the main one, whose id is the region's, or the first."""
    chosen: dict[str, str] = {}
    for server in servers:
        if server.id == server.region or server.region not in chosen:
            chosen[server.region] = server.id
    return frozenset(chosen.values())


def _use(server: Server, prices: PriceList, rule: Transfer | None, usage: Usage, first: frozenset[str]) -> _Use:
    region = usage.of(server.region)
    plan = prices.catalogue.plan(server.service, server.plan)
    counted = server.id in first
    return _Use(
        server,
        _included(plan, rule, region.hours),
        region.gb_out if counted else Decimal(0),
        region.gb_in if counted else Decimal(0),
    )


def _included(plan: Plan | None, rule: Transfer | None, hours: Decimal) -> Decimal | None:
    if rule is None or plan is None:
        return None
    if rule.free_gb:
        # What is included belongs to the account, not to the plan.
        return Decimal(0)
    if plan.transfer_tb is None:
        return None
    # A server that exists for a part of the month brings that part of what its plan includes.
    return plan.transfer_tb * rule.gb_per_tb * min(Decimal(1), hours / MONTH_HOURS)


def _pooled(service: str, rule: Transfer, uses: Sequence[_Use]) -> Allowance:
    known = [use.included_gb for use in uses if use.included_gb is not None]
    included = rule.free_gb + sum(known) if len(known) == len(uses) else None
    used = sum((use.out_gb for use in uses), Decimal(0))
    excess = max(Decimal(0), used - (included or Decimal(0)))
    return Allowance(service, "account", included, used, excess)


def _own(rule: Transfer, use: _Use) -> Allowance:
    counted = use.out_gb + (use.in_gb if rule.counts_incoming else 0)
    beyond = max(Decimal(0), counted - (use.included_gb or Decimal(0)))
    return Allowance(use.server.service, use.server.id, use.included_gb, counted, min(use.out_gb, beyond))


def _account_lines(rule: Transfer, allowance: Allowance, uses: Sequence[_Use]) -> list[Line]:
    """The excess, shared among the servers by how far each is beyond what its own plan brought."""
    if not allowance.excess_gb:
        return []
    if allowance.included_gb is None:
        return [_unpriced(use, "how much traffic its plan includes is not known") for use in uses if use.out_gb]
    beyond = {use.server.id: _beyond(rule, use) for use in uses}
    shares = _shares(allowance.excess_gb, beyond)
    return [_line(rule, allowance, use.server, shares[use.server.id]) for use in uses if shares[use.server.id]]


def _beyond(rule: Transfer, use: _Use) -> Decimal:
    counted = use.out_gb + (use.in_gb if rule.counts_incoming else 0)
    return min(use.out_gb, max(Decimal(0), counted - (use.included_gb or Decimal(0))))


def _shares(excess: Decimal, beyond: Mapping[str, Decimal]) -> dict[str, Decimal]:
    whole = sum(beyond.values(), Decimal(0))
    return {name: excess * own / whole for name, own in beyond.items()}


def _line(rule: Transfer, allowance: Allowance, server: Server, gigabytes: Decimal) -> Line:
    rate = rule.rate(server.location)
    if rate is None:
        return _unpriced_line(
            server, server.service, f"the price of a GB at {server.service} {server.location} is not known"
        )
    shared = "all its servers share" if allowance.owner == "account" else "the plan includes"
    return Line(
        row=f"{server.id}/transfer",
        stack=server.stack,
        region=server.region,
        service=server.service,
        what=f"outgoing traffic beyond what {shared}",
        quantity=gigabytes.quantize(Decimal("0.1")),
        unit="GB",
        unit_usd=rate,
        monthly_usd=cents(gigabytes * rate),
        rule=f"{allowance.used_gb} GB used, {allowance.included_gb} GB included: {allowance.excess_gb} GB beyond, "
        f"{gigabytes:.1f} GB of them here, at {rate} a GB",
        origin=Origin(rule.source, rule.as_of, rule.confidence),
        note=rule.note,
    )


def _unpriced(use: _Use, reason: str) -> Line:
    return _unpriced_line(use.server, use.server.service, reason)


def _unpriced_line(server: Server | StandingServer, service: str, reason: str) -> Line:
    return Line(
        row=f"{server.id}/transfer",
        stack=server.stack,
        region=server.region,
        service=service,
        what="outgoing traffic",
        quantity=Decimal(1),
        unit="month",
        unit_usd=None,
        monthly_usd=None,
        rule=reason,
    )
