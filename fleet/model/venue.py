"""How a region uses a venue: with which account, and whether it trades or only stands by."""

from __future__ import annotations

from typing import Literal

from fleet.model.types import Frozen, Label

Mode = Literal["active", "standby"]
"""Trades (or reads data); has everything to do so, and does not."""

MODES: tuple[Mode, ...] = ("active", "standby")

DEFAULT_ACCOUNT = "main"
"""The account that is meant where a stack file names none."""


class VenueUse(Frozen):
    """One venue with one account, in one region."""

    venue: Label
    account: Label
    mode: Mode
