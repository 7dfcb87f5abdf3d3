"""Networks and addresses: nothing that must be told apart by its address overlaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from fleet.configuration.draft import Draft, host_path
from fleet.model.document import Document, KeyPath, dotted
from fleet.model.problems import Problem
from fleet.model.stack import Ec2Host, ExistingHost, service_of
from fleet.model.validation import at

PRIVATE_SPACE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"))
)
"""RFC 1918, RFC 6598 and RFC 2544: what the Internet does not route."""

DOCKER_BRIDGE = IPv4Network("172.17.0.0/16")
"""Docker's default bridge, on every host whose Docker is not ours to configure (existing)."""

DOCKER_POOL_PREFIXES = range(8, 23)
"""From the pool each Compose project takes a /24: fewer than four would not do."""

VPC_PREFIXES = range(16, 29)
"""EC2 accepts a /16 to a /28."""

OPERATOR_PREFIXES = range(8, 33)
"""A shorter prefix would open ssh to a sixteenth of the Internet or more."""


@dataclass(frozen=True)
class _Named:
    """A network and where it is written; without a document it is a fact, not a choice."""

    network: IPv4Network
    document: Document | None
    path: KeyPath
    kind: str
    title: str


def check_networks(draft: Draft) -> Iterator[Problem]:
    """Ranges are private where they must be, do not overlap, and hold no host's own address."""
    networks = tuple(_networks(draft))
    for named in networks:
        yield from _fits_its_kind(named)
    for first, second in combinations(networks, 2):
        if first.network.overlaps(second.network) and _must_differ(first, second):
            yield _overlap(first, second)
    yield from _addresses(draft, networks)
    yield from _behind_nat(draft)


def _networks(draft: Draft) -> Iterator[_Named]:
    fleet = draft.fleet
    if fleet and fleet.mesh:
        yield _Named(fleet.mesh.cidr, fleet.document, ("mesh", "cidr"), "mesh", "mesh.cidr")
    if fleet and fleet.docker_pool:
        yield _Named(fleet.docker_pool, fleet.document, ("docker_pool",), "pool", "docker_pool")
    for number, network in enumerate(fleet.operators if fleet else ()):
        path = ("operators", "addresses", number)
        yield _Named(network, fleet.document if fleet else None, path, "operator", dotted(path))
    services = set()
    for stack, host in draft.hosts():
        services.add(service_of(host))
        if isinstance(host, Ec2Host):
            title = f"vpc_cidr of {stack.name}'s host {host.name}"
            yield _Named(host.vpc_cidr, stack.document, host_path(host, "vpc_cidr"), "vpc", title)
    for name, service in draft.catalogue.services.items():
        for network in service.private_ranges if name in services else ():
            yield _Named(network, None, (), "provider", f"the private range of {name}")
    yield _Named(DOCKER_BRIDGE, None, (), "bridge", "Docker's default bridge")


def _must_differ(first: _Named, second: _Named) -> bool:
    kinds = {first.kind, second.kind}
    if kinds <= {"operator"} or kinds <= {"provider", "bridge"}:
        return False
    # Only a container's traffic meets the bridge, and only the mesh must be reachable from containers everywhere.
    return "bridge" not in kinds or "mesh" in kinds


def _overlap(first: _Named, second: _Named) -> Problem:
    """The problem stands at the second where both are written: the mesh comes first and is the last to be moved."""
    written, other = (second, first) if second.document else (first, second)
    assert written.document is not None
    return at(
        written.document,
        written.path,
        str(written.network),
        f"overlaps {other.title} {other.network}",
        "networks that share no address",
    )


def _fits_its_kind(named: _Named) -> Iterator[Problem]:
    if named.document is None:
        return
    network = named.network
    private = any(network.subnet_of(space) for space in PRIVATE_SPACE)
    if named.kind in ("mesh", "pool", "vpc") and not private:
        allowed = "a part of " + ", ".join(map(str, PRIVATE_SPACE))
        yield at(named.document, named.path, str(network), "is not a private network", allowed)
    prefixes = {"pool": DOCKER_POOL_PREFIXES, "vpc": VPC_PREFIXES, "operator": OPERATOR_PREFIXES}.get(named.kind)
    if prefixes is not None and network.prefixlen not in prefixes:
        size = "large" if network.prefixlen < prefixes[0] else "small"
        allowed = f"a prefix of /{prefixes[0]} to /{prefixes[-1]}"
        yield at(named.document, named.path, str(network), f"is too {size} a network", allowed)


def _addresses(draft: Draft, networks: tuple[_Named, ...]) -> Iterator[Problem]:
    taken: dict[IPv4Address, str] = {}
    for stack, host in draft.hosts():
        if not isinstance(host, ExistingHost):
            continue
        path = host_path(host, "address")
        title = f"{stack.name}'s host {host.name}"
        if host.address in taken:
            yield at(stack.document, path, str(host.address), f"is the address of {taken[host.address]} already")
        taken.setdefault(host.address, title)
        for named in networks:
            if named.kind in ("mesh", "pool") and host.address in named.network:
                message = f"lies in {named.title} {named.network}"
                yield at(
                    stack.document, path, str(host.address), message, "the address at which ssh reaches the server"
                )


def _behind_nat(draft: Draft) -> Iterator[Problem]:
    """Two nodes that nobody can call cannot call each other either."""
    hidden = [(stack, host) for stack, host in draft.hosts() if host.behind_nat]
    for stack, host in hidden[1:]:
        first, other = hidden[0]
        yield at(
            stack.document,
            host_path(host, "behind_nat"),
            True,
            f"is true for {first.name}'s host {other.name} already: two hosts behind NAT cannot reach each other",
            "true for one host of the fleet",
        )
