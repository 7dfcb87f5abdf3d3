"""Phases: the order of a roll-out. The hub goes alone and first."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.draft import Draft
from fleet.model.problems import Problem
from fleet.model.validation import at


def check_phases(draft: Draft) -> Iterator[Problem]:
    """The hub is phase 0, and no other region is."""
    if draft.fleet is None:
        return
    hub = draft.fleet.document.values.get("hub")
    if hub not in draft.fleet.names:
        return
    for name, region in draft.fleet.regions.items():
        path = ("regions", name, "phase")
        if name == hub and region.phase != 0:
            yield at(draft.fleet.document, path, region.phase, "is not the phase of the hub", "0")
        if name != hub and region.phase == 0:
            yield at(draft.fleet.document, path, region.phase, "is the hub's phase", "a whole number from 1")
