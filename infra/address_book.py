"""The static addresses as every stack reads them, out of the only stack that another one references.

Needs nothing but the SDK, so that the engine can be asked before the rest of a program is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.stack_outputs import read_outputs

OUTPUT = "addresses"
"""The stack of the addresses, and its output: host id to handle and address."""


@dataclass(frozen=True)
class ReservedAddress:
    """A static address out of the ``addresses`` stack: the provider's own handle for it, and the address itself."""

    handle: str
    address: str


@dataclass(frozen=True)
class AddressBook:
    """What the ``addresses`` stack exported: the static address of every host that has one."""

    entries: Mapping[str, ReservedAddress]

    def reserved(self, host_id: str, region: str) -> ReservedAddress:
        """The address of a host that is about to be declared.

        Raises:
            pulumi.RunError: the host has no address yet; says which command reserves it.
        """
        entry = self.entries.get(host_id)
        if entry is None:
            raise pulumi.RunError(
                f"{host_id}: no static address is reserved for it in stack 'addresses'. "
                f"Add {region} to fleet:regions in Pulumi.addresses.yaml and run: pulumi up -s addresses"
            )
        return entry

    def address(self, host_id: str) -> str | None:
        """The address of any host of the fleet, None where none is reserved yet."""
        entry = self.entries.get(host_id)
        return entry.address if entry else None


async def read_addresses() -> AddressBook:
    """Read the ``addresses`` stack.

    Raises:
        pulumi.RunError: the stack has no such output (never brought up), or it arrives in another shape (as it does,
            without any error from the engine, when it was encrypted with another passphrase).
    """
    exported = (await read_outputs(OUTPUT)).get(OUTPUT)
    if exported is None:
        raise pulumi.RunError(
            "stack 'addresses' exports no addresses: it was never brought up. Run: pulumi up -s addresses"
        )
    if not isinstance(exported, Mapping) or not all(_well_formed(entry) for entry in exported.values()):
        raise pulumi.RunError(
            "the addresses in stack 'addresses' cannot be read: was it encrypted with another passphrase? "
            "All stacks of a fleet share one (PULUMI_CONFIG_PASSPHRASE_FILE)."
        )
    return AddressBook({name: ReservedAddress(**entry) for name, entry in exported.items()})


def _well_formed(entry: object) -> bool:
    return isinstance(entry, Mapping) and set(entry) == {"handle", "address"} and bool(entry["address"])
