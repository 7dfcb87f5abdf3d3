"""What a move of an account would be, from the configuration; what is wrong is said before anything stops."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fleet.configuration import Configuration
from fleet.configuration.draft import stack_file
from fleet.model.bundles import TRADING
from fleet.model.nearest import nearest
from fleet.model.problems import ConfigurationError
from fleet.model.venue import Mode
from fleet.venues.files import loaded_with, with_mode
from fleet.venues.move import Move, MoveError, Step

ACTIVE: Mode = "active"


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
    for region in (traders[0], target):
        if held := configuration.stacks[region].held.get(TRADING):
            raise MoveError(
                f"{region} is held at release {held} of {TRADING}, which knows nothing of a move: let go of it with "
                f"fleet release resume {region} {TRADING}, fleet up {region}"
            )
    if configuration.venues.by_name[venue].max_sessions == 1:
        # Whoever stands by is logged in as well, so the new region gets the account when the old one has let go of it.
        return Move(venue, account, traders[0], target, Step.STOP, resting=None)
    return Move(venue, account, traders[0], target)


def outcome(root: Path, move: Move) -> Configuration:
    """What the fleet's files will say when a move is done.

    Raises:
        MoveError: they would be wrong (another account of the venue in the new region, a feed of the old one that is
            read through the account); nothing was changed.
        EditRefused: one is not of a form that can be edited.
    """
    texts = {
        stack_file(region): with_mode((root / stack_file(region)).read_text(), move.venue, move.account, mode)
        for region, mode in ((move.source, move.resting), (move.target, ACTIVE))
    }
    try:
        return loaded_with(root, texts)
    except ConfigurationError as wrong:
        raise MoveError(f"the move of {move} cannot begin, since the files would be wrong after it:\n{wrong}") from None


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
