"""Stack ``addresses``: the static address of every host of the reserved regions. It outlives the servers."""

import pulumi

from fleet.configuration import Configuration
from infra.address_book import OUTPUT
from infra.addresses import declare_addresses


def addresses(configuration: Configuration) -> None:
    """Declare the addresses and export them for every other stack."""
    pulumi.export(OUTPUT, declare_addresses(configuration))
