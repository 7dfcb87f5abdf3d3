"""What every stack begins with: the whole configuration is checked, then the selected stack is declared.

Half of a short run is imports. So this module needs nothing but the SDK, and the rest is imported, the configuration
checked and the secrets opened (slow on purpose) in a thread, while the engine reads the stack of the addresses and
starts the provider of the host parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from infra.address_book import OUTPUT, read_addresses
from infra.parts_provider import PartsProvider

if TYPE_CHECKING:
    from fleet.configuration import Configuration
    from fleet.secrets import Vault


async def declare() -> None:
    """Declare the selected stack: ``addresses``, a region of fleet.yaml, or the probe that its stack file describes.

    Raises:
        pulumi.RunError: with the text of every problem in the configuration, or of a missing secret; nothing was
            declared.
    """
    stack = pulumi.get_stack()
    if stack == OUTPUT:
        _addresses()
        return
    if (probed := pulumi.Config("fleet").get_object("probe")) is not None:
        _probe(stack, probed)
        return
    provider = PartsProvider()
    reading = asyncio.ensure_future(read_addresses())
    try:
        configuration, vault = await asyncio.to_thread(_prepare, stack)
    except BaseException:
        # What is wrong in the files comes before what is wrong in another stack: it may be the reason.
        await asyncio.gather(reading, return_exceptions=True)
        raise
    from stacks.preparation import problems_as_run_errors
    from stacks.region import region

    with problems_as_run_errors():
        await region(configuration, vault, stack, await reading, provider)


def _addresses() -> None:
    from stacks.addresses import addresses
    from stacks.preparation import load_configuration

    addresses(load_configuration())


def _probe(stack: str, values: Mapping[str, Any]) -> None:
    from infra.vault import open_vault
    from stacks.preparation import load_configuration, problems_as_run_errors
    from stacks.probe import probe

    configuration = load_configuration()
    with problems_as_run_errors():
        probe(configuration, open_vault(), stack, values)


def _prepare(stack: str) -> tuple[Configuration, Vault]:
    from stacks.preparation import prepare

    return prepare(stack)
