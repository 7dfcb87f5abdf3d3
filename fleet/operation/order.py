"""In which order stacks are brought up and taken down: a pure function of the configuration."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from fleet.configuration import Configuration

ADDRESSES = "addresses"


class UnknownStack(Exception):
    """A stack was named that the fleet does not have."""

    exit_code = 2


def waves(configuration: Configuration, wanted: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The wanted stacks in waves: what is in one wave is independent, each wave waits for the one before.

    Addresses come first (every other stack reads them), then the regions phase by phase. ``wanted`` empty means every
    stack whose region has its address reserved, that is: every region that is open.

    Raises:
        UnknownStack: a name is neither ``addresses`` nor a region.
    """
    known = (ADDRESSES, *configuration.stacks)
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise UnknownStack(f"no stack '{name}'.{hint} Stacks of this fleet: {', '.join(known)}")
    chosen = set(wanted) or {ADDRESSES, *configuration.addresses.regions}
    first = ((ADDRESSES,),) if ADDRESSES in chosen else ()
    phases = (tuple(name for name in phase if name in chosen) for phase in configuration.phases())
    return (*first, *(phase for phase in phases if phase))


def together(ordered: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """The same stacks without waiting between phases: for the first bring-up, when nothing runs that could break."""
    regions = tuple(name for wave in ordered for name in wave if name != ADDRESSES)
    first = ((ADDRESSES,),) if (ADDRESSES,) in ordered else ()
    return (*first, regions) if regions else first
