"""When a provider has no room for a server: what else could be rented for the same place.

Providers refuse a plan in a place at any time, and say little more than that. An error hook adds what the catalogue
knows: plans at least as large at the same site first, then the nearest site's and the other providers' cheapest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pulumi

from fleet.catalogue import Catalogue
from fleet.catalogue.catalogue import Plan
from fleet.model.stack import RentedHost, service_of

SHOWN_AT_THE_SITE = 2
"""Plans of the same site that are named; more would hide the other providers."""

_REFUSED_FOR_CAPACITY = re.compile(r"capacity|not available in|unavailable in|out of stock|sold out", re.IGNORECASE)
"""How providers say it: Vultr's and Lightsail's text, EC2's InsufficientInstanceCapacity, DigitalOcean's
"Size is not available in this region"."""


def is_capacity_refusal(message: str) -> bool:
    """True when a provider's error text says that it has no room for the server."""
    return _REFUSED_FOR_CAPACITY.search(message) is not None


def alternatives(catalogue: Catalogue, host: RentedHost, place: str) -> tuple[str, ...]:
    """What the catalogue offers instead of a host's plan in its place, each as text with its monthly price."""
    service = service_of(host)
    wanted = catalogue.plan(service, host.plan)
    if wanted is None:
        return ()
    return tuple(_alternatives(catalogue, host, place, service, wanted))


def _alternatives(catalogue: Catalogue, host: RentedHost, place: str, service: str, wanted: Plan) -> Iterator[str]:
    at_the_site = [plan for plan in _large_enough(catalogue, service, host.location, wanted) if plan.name != host.plan]
    yield from (_text(catalogue, service, plan, host.location) for plan in at_the_site[:SHOWN_AT_THE_SITE])
    for other in catalogue.services_for(place):
        for location in catalogue.locations_for(other, place):
            if (other, location.name) != (service, host.location):
                for plan in _large_enough(catalogue, other, location.name, wanted)[:1]:
                    yield _text(catalogue, other, plan, location.name)


def _large_enough(catalogue: Catalogue, service: str, location: str, wanted: Plan) -> list[Plan]:
    """Plans of at least the same processors and memory, the cheapest first, unpriced ones last."""
    fitting = [
        plan
        for plan in catalogue.offered(service, location)
        if plan.vcpu >= wanted.vcpu and plan.memory_gb >= wanted.memory_gb
    ]
    return sorted(fitting, key=lambda plan: catalogue.monthly_usd(service, plan.name, location) or Decimal("Infinity"))


def _text(catalogue: Catalogue, service: str, plan: Plan, location: str) -> str:
    price = catalogue.monthly_usd(service, plan.name, location)
    return f"{service} {plan.name} in {location} ({'unpriced' if price is None else f'${price:.2f} a month'})"


def alternatives_text(instead: tuple[str, ...]) -> str:
    """What to do about a refusal, as sentences."""
    offered = "; ".join(instead) or "none that the catalogue knows"
    return f"Alternatives: {offered}. Change plan, location or provider in the stack file."


def capacity_hook(host_id: str, plan: str, location: str, instead: tuple[str, ...]) -> pulumi.ErrorHook:
    """The hook of one machine: explains a refusal for capacity, and never repeats it."""

    async def explain(args: pulumi.ErrorHookArgs) -> bool:
        if args.errors and is_capacity_refusal(args.errors[0]):
            pulumi.log.error(
                f"{host_id}: the provider has no room for plan {plan} in {location} now; nothing was created. "
                f"{alternatives_text(instead)} Or try again later."
            )
        return False

    return pulumi.ErrorHook(f"explain-capacity-{host_id}", explain)
