"""What a move of an account would be, from the configuration; what is wrong is said before anything stops."""

from __future__ import annotations

from collections.abc import Collection

from fleet.configuration import Configuration
from fleet.model.bundles import TRADING
from fleet.model.nearest import nearest
from fleet.venues.move import Move, MoveError


def planned(configuration: Configuration, venue: str, account: str, target: str) -> Move:
    """The move of an account to a region.

    Raises:
        MoveError: no such broker, account or region, the region trades it already, or cannot trade it.
    """
    brokers = [name for name, one in configuration.venues.by_name.items() if one.kind == "broker"]
    if venue not in brokers:
        near = nearest(venue, brokers) or f"there are: {', '.join(brokers)}"
        raise MoveError(f"{venue} is not a broker of the catalogue; {near}")
    if target not in configuration.stacks:
        raise MoveError(f"{target} is not a region; there are: {', '.join(configuration.stacks)}")
    traders = [
        region
        for region, stack in configuration.stacks.items()
        if any((use.venue, use.account, use.mode) == (venue, account, "active") for use in stack.venues)
    ]
    if not traders:
        raise MoveError(f"no region trades account {account} of {venue}: write its mode into Pulumi.{target}.yaml")
    if traders == [target]:
        raise MoveError(f"{target} trades account {account} of {venue} already")
    if TRADING not in configuration.stacks[target].bundles:
        raise MoveError(f"{target} does not run the bundle {TRADING}: add it to its fleet:bundles first")
    if configuration.venues.by_name[venue].max_sessions == 1:
        raise MoveError(
            f"{venue} lets an account in once, so no other region can stand by for it: remove it from "
            f"Pulumi.{traders[0]}.yaml, fleet up {traders[0]}, then add it to Pulumi.{target}.yaml, fleet up {target}"
        )
    return Move(venue, account, traders[0], target)


def refuse_absent(move: Move, standing: Collection[str]) -> None:
    """Both regions have to be there: one is told to stop and seen to have, the other one to start.

    Args:
        standing: the hosts that were brought up.

    Raises:
        MoveError: one is not; nothing was changed.
    """
    for region in (move.source, move.target):
        if region not in standing:
            raise MoveError(f"{region} was not brought up, so {move} cannot begin. Run: fleet up {region}")
