"""What every stack begins with: the whole configuration is checked, then the selected stack is declared.

Half of a short run is imports. So this module needs nothing but the SDK, and the rest is imported, the configuration
checked and the secrets opened (slow on purpose) in threads, while the engine reads the stack of the addresses and
starts the providers of the host parts and of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi

from infra.address_book import OUTPUT, read_addresses
from infra.parts_provider import PartsProvider
from infra.server_images import look_up_early

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
    look_up_early(pulumi.Config("fleet").get_object("hosts"))
    files, secrets = asyncio.to_thread(_configuration, stack), asyncio.to_thread(_vault)
    # Every one of them ends before the first error is told, the files' before the others': it may be their reason.
    found = await asyncio.gather(files, secrets, read_addresses(pulumi.get_project()), return_exceptions=True)
    configuration, vault, addresses = map(_or_raise, found)
    from stacks.preparation import problems_as_run_errors
    from stacks.region import region

    with problems_as_run_errors():
        await region(configuration, vault, stack, addresses, provider)


def _or_raise(found: Any) -> Any:
    if isinstance(found, BaseException):
        raise found
    return found


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


def _configuration(stack: str) -> Configuration:
    from stacks.preparation import configuration_with

    return configuration_with(stack)


def _vault() -> Vault:
    from stacks.preparation import opened_vault

    return opened_vault()
