"""Values with which the default files are valid but mean nobody: documentation addresses, a key of zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from fleet.model.fleet import Fleet
from fleet.model.problems import Problem
from fleet.model.stack import ExistingHost, RegionStack
from fleet.model.types import key_blob

DOCUMENTATION_NETWORKS = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""RFC 5737."""

DOCUMENTATION_DOMAINS = ("example", "example.com", "example.net", "example.org", "invalid", "test")
"""RFC 2606 and RFC 6761."""


def placeholders(fleet: Fleet, stacks: Mapping[str, RegionStack]) -> tuple[Problem, ...]:
    """Every placeholder that still stands, as a problem that says what to put there."""
    return (*_of_fleet(fleet), *(problem for stack in stacks.values() for problem in _of_stack(stack)))


def _of_fleet(fleet: Fleet) -> Iterator[Problem]:
    if any(fleet.domain == name or fleet.domain.endswith(f".{name}") for name in DOCUMENTATION_DOMAINS):
        yield Problem("fleet.yaml", "domain", fleet.domain, "is a documentation name", "a domain of your own")
    if not fleet.operators.addresses:
        yield Problem(
            "fleet.yaml",
            "operators.addresses",
            None,
            "names nobody: ssh would be open to no address",
            "the networks from which the operators connect",
            "fleet init, or fleet operator add",
        )
    for network in fleet.operators.addresses:
        if any(network.subnet_of(reserved) for reserved in DOCUMENTATION_NETWORKS):
            yield Problem("fleet.yaml", "operators.addresses", str(network), "is a documentation address (RFC 5737)")
    if not fleet.operators.keys:
        yield Problem(
            "fleet.yaml",
            "operators.keys",
            None,
            "names nobody: no person could log in",
            "a person's name and OpenSSH public key",
            "fleet init, or fleet operator add",
        )


def _of_stack(stack: RegionStack) -> Iterator[Problem]:
    file = f"Pulumi.{stack.name}.yaml"
    for name, host in stack.hosts.items():
        if not isinstance(host, ExistingHost):
            continue
        key = f"config.fleet:hosts.{name}"
        if any(host.address in reserved for reserved in DOCUMENTATION_NETWORKS):
            yield Problem(
                file,
                f"{key}.address",
                str(host.address),
                "is a documentation address (RFC 5737)",
                "the server's address",
            )
        if key_blob(host.host_key, ("ssh-ed25519",))[-32:] == bytes(32):
            yield Problem(
                file,
                f"{key}.host_key",
                None,
                "is the placeholder of zeros",
                "the server's own key",
                how_to_get_host_key(str(host.address)),
            )


def how_to_get_host_key(address: str) -> str:
    """What to run to learn a server's host key, and what makes it trustworthy."""
    return (
        f"run: ssh-keyscan -t ed25519 {address} - and compare with /etc/ssh/ssh_host_ed25519_key.pub "
        "at the server's own console, not over this connection"
    )
