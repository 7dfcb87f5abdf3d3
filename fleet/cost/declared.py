"""What a configuration declares, as things that cost."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration import Configuration, HostRef
from fleet.cost.things import Priced, Server, StandingServer, StaticAddress
from fleet.model.stack import ADDRESSES, ExistingHost, RentedHost, service_of


def declared_things(configuration: Configuration) -> tuple[Priced, ...]:
    """Every server of the fleet and, for the rented ones, its static address; opened or not.

    An address belongs to the stack ``addresses`` and counts for its region.
    """
    return tuple(thing for ref in configuration.hosts() for thing in _things(ref))


def _things(ref: HostRef) -> Iterator[Priced]:
    host = ref.host
    if isinstance(host, ExistingHost):
        yield StandingServer(ref.id, ref.region, ref.region, host.plan, host.monthly_price)
    elif isinstance(host, RentedHost):
        service = service_of(host)
        yield Server(ref.id, ref.region, ref.region, service, host.location, host.plan, spot=host.spot)
        yield StaticAddress(ref.id, ADDRESSES, ref.region, service, host.location)
