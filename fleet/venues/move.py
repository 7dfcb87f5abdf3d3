"""Moving an account to another region: it stands by, the old one stops and is seen to have, then the new one starts.

Where a venue lets an account in once, nobody can stand by: the old region lets go of the account altogether, and of its
session, before the new one has it at all.

The journal is on disk before each step begins. A step may be done again, so a move that was killed anywhere goes on
from the step in the journal, and at no moment do two regions trade the account: the new one is only told to start after
the old one was seen to have stopped.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from fleet.model.venue import Mode


class MoveError(Exception):
    """A move cannot begin or cannot go on. ``str`` says what holds it and what to do."""

    exit_code = 1


class Step(StrEnum):
    """What is done next; ``DONE`` when nothing is."""

    PREPARE = "prepare"
    STOP = "stop"
    CONFIRM = "confirm"
    START = "start"
    DONE = "done"


@dataclass(frozen=True)
class Move:
    """A move, and how far it came."""

    venue: str
    account: str
    source: str
    target: str
    step: Step = Step.PREPARE
    resting: Mode | None = "standby"
    """What the region is that does not trade; None: it does not use the account, which the venue lets in once."""

    def __str__(self) -> str:
        return f"account {self.account} of {self.venue} from {self.source} to {self.target}"


class Fleet(Protocol):
    """What a move does to regions. Each may be asked for again after it was done or cut off."""

    def set_mode(self, region: str, venue: str, account: str, mode: Mode | None) -> None:
        """Let a region's file say the mode (None: no word of the account), and deploy its trading bundle with it.

        Raises:
            MoveError: the region could not be brought there; it may run either release.
        """

    def has_stopped(self, region: str, venue: str, account: str) -> bool:
        """Whether the region's host was asked just now, and runs a release that does not trade the account."""


class Journal:
    """The one move that is under way, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Move | None:
        """The move that was begun and not ended; None without one.

        Raises:
            MoveError: the file is damaged.
        """
        try:
            document = json.loads(self._path.read_text())
            return Move(**{**document, "step": Step(document["step"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            raise MoveError(f"{self._path}: damaged; see by hand which region trades, then remove the file") from None

    def write(self, move: Move) -> None:
        """Keep a move, on disk when the call returns; one that is done is forgotten."""
        if move.step is Step.DONE:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(move), file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self._path)


def begin_or_resume(journal: Journal, wanted: Move) -> Move:
    """The move to carry out: a new one, or the same one from where it stopped.

    Raises:
        MoveError: another move is under way.
    """
    under_way = journal.read()
    if under_way is None:
        journal.write(wanted)
        return wanted
    if replace(under_way, step=wanted.step) != wanted:
        again = f"fleet venue move {under_way.venue} --account {under_way.account} --to {under_way.target}"
        raise MoveError(f"a move of {under_way} is under way: end it first with: {again}")
    return under_way


def carry_out(move: Move, fleet: Fleet, journal: Journal) -> None:
    """Every step that is left of a move.

    Raises:
        MoveError: a step failed; the journal keeps it, and the same command goes on with it.
    """
    while move.step is not Step.DONE:
        move = replace(move, step=_done(move, fleet))
        journal.write(move)


def _done(move: Move, fleet: Fleet) -> Step:
    """Do one step; returns the next one."""
    match move.step:
        case Step.PREPARE:
            # What is wrong with the new region (a missing credential, a full host) shows while the old one trades.
            fleet.set_mode(move.target, move.venue, move.account, move.resting)
            return Step.STOP
        case Step.STOP:
            fleet.set_mode(move.source, move.venue, move.account, move.resting)
            return Step.CONFIRM
        case Step.CONFIRM:
            if not fleet.has_stopped(move.source, move.venue, move.account):
                raise MoveError(
                    f"{move.source} was told to stop and was not seen to have stopped, so {move.target} was not "
                    "started: nobody may trade until the same command goes on"
                )
            return Step.START
        case Step.START:
            # Asked again: somebody may have deployed the old region while the move was cut off.
            if not fleet.has_stopped(move.source, move.venue, move.account):
                raise MoveError(
                    f"{move.source} trades again, or runs something else than its files say, so {move.target} was not "
                    f"started: see its stack file, fleet up {move.source}, then run the same command again"
                )
            fleet.set_mode(move.target, move.venue, move.account, "active")
            return Step.DONE
    raise MoveError(f"{move} has no step left")
