"""What must not reach real servers, and when nothing must."""

from __future__ import annotations

from fleet.configuration import Configuration
from fleet.secrets import SecretStore


class PlaceholdersLeft(Exception):
    """Values of the default files still stand where the fleet's own must."""

    exit_code = 2


def refuse_placeholders(configuration: Configuration) -> None:
    """Refuse a configuration in which documentation values still stand.

    Raises:
        PlaceholdersLeft: names each of them.
    """
    if left := [problem for problem in configuration.placeholders() if "operators.keys" not in problem.key]:
        listed = "\n".join(f"  {problem}" for problem in left)
        raise PlaceholdersLeft(f"these values are placeholders; put your own before bringing servers up:\n{listed}")


class ExchangeUnfinished(Exception):
    """The master secret is being exchanged: hosts may know two of everything until that is done."""

    exit_code = 3


def refuse_during_exchange(store: SecretStore) -> None:
    """Refuse to bring anything up half-way through ``fleet mesh rotate --master``.

    Raises:
        ExchangeUnfinished: says how to go on, or back.
    """
    if store.successor is not None:
        raise ExchangeUnfinished(
            "the master secret is being exchanged and not yet switched: go on with 'fleet mesh rotate --master', or go "
            "back with 'fleet mesh rotate --abort'; then run this again"
        )
