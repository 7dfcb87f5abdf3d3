"""From a thing to its lines. A price that is not known gives a line that says so; nothing is ever taken for free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fleet.catalogue.catalogue import LocationPrice, Plan, Row
from fleet.catalogue.prices import PriceList
from fleet.cost.line import Line, Origin
from fleet.cost.money import cents
from fleet.cost.rental import rent
from fleet.cost.things import (
    DnsZone,
    HealthCheck,
    Priced,
    Server,
    StandingServer,
    StaticAddress,
    Thing,
    Unpriceable,
)
from fleet.cost.usage import Usage

ROUTE53 = "route53"
IMAGE_DISK_GB = 8
"""Root disk of Debian's images at EC2 (Debian's cloud team), where the instance asks for no other."""
ONE = Decimal(1)


def price_things(things: Iterable[Priced], prices: PriceList, usage: Usage) -> Iterator[Line]:
    """The lines of everything but traffic and DNS queries, which many things share."""
    checks_at_aws = 0
    for thing in things:
        match thing:
            case Server():
                yield from _server(thing, prices, usage)
            case StandingServer():
                yield _standing(thing)
            case StaticAddress():
                yield _address(thing, prices)
            case DnsZone():
                yield _charged(thing, "zone", ROUTE53, "zone", prices, ONE, "hosted zone")
            case HealthCheck():
                checks_at_aws += thing.at_aws
                yield _health_check(thing, prices, checks_at_aws)
            case Unpriceable():
                yield unpriced(thing, thing.what.rpartition(":")[2], "", thing.what, thing.reason)


def price_dns_use(usage: Usage, prices: PriceList) -> Iterator[Line]:
    """The lines of DNS that a usage file names and no stack declares."""
    nobody = Thing("dns", "dns", "")
    for number in range(usage.dns.zones):
        yield _charged(Thing(f"dns-{number + 1}", "dns", ""), "zone", ROUTE53, "zone", prices, ONE, "hosted zone")
    for name, millions in usage.dns.million_queries.by_charge().items():
        if millions:
            yield _charged(nobody, name.replace(" ", "-"), ROUTE53, name, prices, millions, name)
    at_aws = 0
    for number, kind in enumerate(usage.dns.health_checks):
        for each in range(kind.count):
            at_aws += kind.endpoint == "aws"
            check = HealthCheck(f"check-{number + 1}.{each + 1}", "dns", "", kind.endpoint == "aws", kind.options)
            yield _health_check(check, prices, at_aws)


def origin(row: Row) -> Origin:
    """Where a catalogue row is from."""
    return Origin(row.source, row.as_of, row.confidence)


def unpriced(thing: Thing, kind: str, service: str, what: str, reason: str) -> Line:
    """A line without an amount."""
    return Line(f"{thing.id}/{kind}", thing.stack, thing.region, service, what, ONE, "month", None, None, reason)


def _server(server: Server, prices: PriceList, usage: Usage) -> Iterator[Line]:
    what = f"{server.plan} at {server.service} {server.location}" + (" (spot)" if server.spot else "")
    plan = prices.catalogue.plan(server.service, server.plan)
    billing = prices.billing.get(server.service)
    if plan is None or billing is None:
        reason = f"the price list has no {server.plan} of {server.service}"
        yield unpriced(server, "server", server.service, what, reason)
        return
    price = _price(server, plan)
    hours = usage.of(server.region).hours
    amount = rent(price, billing, hours) if price is not None else None
    if price is None or amount is None:
        kind = "spot price" if server.spot else "price"
        reason = f"the {kind} of {server.plan} in {server.location} is not known"
        yield unpriced(server, "server", server.service, what, reason)
    else:
        # Where no ceiling holds, the hours are what is multiplied; where one does, the month.
        by_hours = billing.cap_hours is None and billing.counted != "whole months"
        yield Line(
            row=f"{server.id}/server",
            stack=server.stack,
            region=server.region,
            service=server.service,
            what=what,
            quantity=amount.hours if by_hours else ONE,
            unit="h" if by_hours else "month",
            unit_usd=price.hourly_usd if by_hours else cents(amount.usd),
            monthly_usd=cents(amount.usd),
            rule=amount.rule,
            origin=origin(plan),
            note=billing.note,
        )
    if server.backups:
        yield _backups(server, prices, None if amount is None else amount.usd)
    if plan.disk_gb is None:
        size = Decimal(server.disk_gb or IMAGE_DISK_GB)
        yield _charged(server, "disk", server.service, "disk", prices, size, f"root disk of {size} GB", server.location)


def _price(server: Server, plan: Plan) -> LocationPrice | None:
    if not server.spot:
        return plan.price_at(server.location)
    if plan.spot_hourly_usd is None or plan.price_at(server.location) is None:
        return None
    return LocationPrice(hourly_usd=plan.spot_hourly_usd)


def _backups(server: Server, prices: PriceList, usd: Decimal | None) -> Line:
    charge = prices.charge(server.service, "backups", server.location)
    if charge is None or usd is None:
        reason = f"the price of backups at {server.service} is not known"
        return unpriced(server, "backups", server.service, "automatic backups", reason)
    return Line(
        row=f"{server.id}/backups",
        stack=server.stack,
        region=server.region,
        service=server.service,
        what="automatic backups",
        quantity=charge.usd,
        unit="of the server",
        unit_usd=cents(usd),
        monthly_usd=cents(usd * charge.usd),
        rule=f"{charge.usd} of the server's {cents(usd)}",
        origin=origin(charge),
        note=charge.note,
    )


def _standing(server: StandingServer) -> Line:
    return Line(
        row=f"{server.id}/server",
        stack=server.stack,
        region=server.region,
        service="existing",
        what=f"standing server{': ' + server.plan if server.plan else ''}",
        quantity=ONE,
        unit="month",
        unit_usd=server.monthly_usd,
        monthly_usd=cents(server.monthly_usd),
        rule="monthly_price in its stack file",
        origin=Origin(f"Pulumi.{server.stack}.yaml", None, "stated"),
        note="What its traffic costs no price list here says: an unpriced row where a usage file has any.",
    )


def _address(address: StaticAddress, prices: PriceList) -> Line:
    what = f"static address at {address.service} {address.location}"
    return _charged(address, "address", address.service, "static address", prices, ONE, what, address.location)


def _health_check(check: HealthCheck, prices: PriceList, number_at_aws: int) -> Line:
    """One check: its base price, and each of its options. The first ones of endpoints at AWS have no base price."""
    where = "at aws" if check.at_aws else "elsewhere"
    base, option = (
        prices.charge(ROUTE53, f"health check {where}"),
        prices.charge(ROUTE53, f"health check option {where}"),
    )
    what = f"health check, endpoint {where}, {check.options} options"
    if base is None or option is None:
        return unpriced(check, "check", ROUTE53, what, "the price of health checks is not known")
    free = check.at_aws and number_at_aws <= base.free
    base_usd = Decimal(0) if free else base.usd
    usd = base_usd + check.options * option.usd
    return Line(
        row=f"{check.id}/check",
        stack=check.stack,
        region=check.region,
        service=ROUTE53,
        what=what,
        quantity=ONE,
        unit="month",
        unit_usd=usd,
        monthly_usd=cents(usd),
        rule=f"{base_usd} a check + {check.options} options at {option.usd}"
        + (f"; the first {base.free} checks are free" if free else ""),
        origin=origin(base),
        note=option.note,
    )


def _charged(
    thing: Thing,
    kind: str,
    service: str,
    charge_name: str,
    prices: PriceList,
    quantity: Decimal,
    what: str,
    location: str = "",
) -> Line:
    """So many of one row of the price list."""
    charge = prices.charge(service, charge_name, location)
    if charge is None:
        where = f" in {location}" if location else ""
        return unpriced(thing, kind, service, what, f"the price of a {charge_name} at {service}{where} is not known")
    unit_usd = charge.monthly_usd()
    return Line(
        row=f"{thing.id}/{kind}",
        stack=thing.stack,
        region=thing.region,
        service=service,
        what=what,
        quantity=quantity,
        unit={"million queries": "million", "GB and month": "GB"}.get(charge.per, "month"),
        unit_usd=unit_usd,
        monthly_usd=cents(unit_usd * quantity),
        rule=f"{quantity} x {charge.usd} per {charge.per}" + (" (730 hours)" if charge.per == "hour" else ""),
        origin=origin(charge),
        note=charge.note,
    )
