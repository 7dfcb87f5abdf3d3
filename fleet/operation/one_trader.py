"""An account of a broker is traded from one region. What would let a second region trade it is refused.

The files never name two (``fleet validate``); but a region's host trades what it was brought, until it has what the
files say now. Known is what the stacks' states say. ``fleet venue move`` is the way: it sees the one stop before the
other starts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache

from fleet.configuration import Configuration
from fleet.model.bundles import TRADING
from fleet.operation.recorded import Recorded, recorded_releases
from fleet.workspace import Workspace
from infra.bundles.venues import Account, traded_accounts, used_venues


class SecondTrader(Exception):
    """Two regions would trade an account. Nothing was changed."""

    exit_code = 3


def refuse_second_trader(
    configuration: Configuration, workspace: Workspace, wanted: Collection[str], stopped: Collection[str] = ()
) -> None:
    """Refuse to bring regions up of which one would trade an account that another one still trades.

    Args:
        stopped: regions of which a person has made sure that they trade nothing, whatever their states say.

    Raises:
        SecondTrader: names the account, both regions, and what to do.
    """

    if unknown := [name for name in stopped if name not in configuration.stacks]:
        raise SecondTrader(f"{unknown[0]} is not a region; there are: {', '.join(configuration.stacks)}")

    @cache
    def recorded(region: str) -> tuple[Recorded, ...]:
        return () if region in stopped else recorded_releases(workspace, region)

    if found := second_traders(configuration, [name for name in wanted if name in configuration.stacks], recorded):
        raise SecondTrader("\n".join(found))


def second_traders(
    configuration: Configuration, wanted: Iterable[str], recorded: Callable[[str], Iterable[Recorded]]
) -> list[str]:
    """What is wrong with bringing these regions up, given what each stack's state has."""
    found = []
    for region in wanted:
        if not (may := may_trade(configuration, region)) and not configuration.stacks[region].held.get(TRADING):
            continue
        trading = _trading(recorded(region))
        had = _accounts(trading)
        if configuration.stacks[region].held.get(TRADING) and had - may:
            found.append(
                f"{region} is held at an earlier release of {TRADING}, which may still trade {_names(had - may)}: the "
                f"files say otherwise now, and it would not know. Nothing was changed. Run: "
                f"fleet release resume {region} {TRADING}"
            )
        # What the state has of a region that was held did not run there.
        running = frozenset() if any(release.get("held") for release in trading) else had
        if coming := may - running:
            for other in (name for name in configuration.stacks if name != region):
                found += [
                    f"{region} would trade account {account} of {venue}, which {other} still trades by the state of "
                    f"its stack. Nothing was changed. Write the modes back as they were and run: fleet venue move "
                    f"{venue} --account {account} --to {region} - or, where {other}'s server is off for sure or its "
                    f"keys are withdrawn: fleet up {region} --stopped {other}"
                    for venue, account in sorted(coming & _accounts(_trading(recorded(other))))
                ]
    return found


def refuse_release(configuration: Configuration, region: str, release: str, files: Mapping[str, str]) -> None:
    """Refuse to go back to a release that trades what its region does not trade any more.

    Raises:
        SecondTrader: names the accounts.
    """
    if beyond := traded_accounts(files) - may_trade(configuration, region):
        raise SecondTrader(
            f"release {release} of {TRADING} trades {_names(beyond)}, which {region} does not trade by the files: "
            f"another region may. Nothing was changed. Move it here first (fleet venue move), or choose a release from "
            f"after it left (fleet release list {region} {TRADING})"
        )


def may_trade(configuration: Configuration, region: str) -> frozenset[Account]:
    """The accounts that a region trades by the files."""
    used = used_venues(configuration, region, "broker")
    return frozenset((use.venue, use.account) for use, _ in used if use.mode == "active")


def _trading(releases: Iterable[Recorded]) -> tuple[Recorded, ...]:
    return tuple(each for each in releases if json.loads(each.get("settings", "{}")).get("bundle") == TRADING)


def _accounts(releases: Iterable[Recorded]) -> frozenset[Account]:
    return frozenset(account for each in releases for account in traded_accounts(each.get("files", {})))


def _names(accounts: Iterable[Account]) -> str:
    return ", ".join(f"account {account} of {venue}" for venue, account in sorted(accounts))
