"""A move of an account, killed at every point and run again: never do two regions trade, and it always ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.configuration import load
from fleet.model.venue import Mode
from fleet.venues.move import Journal, Move, MoveError, begin_or_resume, carry_out
from fleet.venues.planning import planned, refuse_absent
from fleet.venues.running import with_mode

MOVE = Move("alpaca", "main", "nj", "sg")


class Killed(BaseException):
    """The process ends here."""


@dataclass
class PaperFleet:
    """Two regions. It dies at one of the points that it passes, and notes every state that it was in."""

    dies_at: int = -1
    running: dict[str, Mode] = field(default_factory=lambda: {"nj": "active", "sg": "standby"})
    written: dict[str, Mode] = field(default_factory=lambda: {"nj": "active", "sg": "standby"})
    most_traders: int = 0
    points: int = 0
    stuck: bool = False

    def set_mode(self, region: str, venue: str, account: str, mode: Mode) -> None:
        self._point()
        self.written[region] = mode
        self._point()
        if not (self.stuck and region == "nj"):
            self.running[region] = mode
        self._point()

    def has_stopped(self, region: str, venue: str, account: str) -> bool:
        self._point()
        return self.running[region] != "active"

    def _point(self) -> None:
        for modes in (self.running, self.written):
            self.most_traders = max(self.most_traders, list(modes.values()).count("active"))
        self.points += 1
        if self.points == self.dies_at:
            raise Killed


class DyingJournal(Journal):
    """Dies before or after its n-th write."""

    def __init__(self, path: Path, dies_at: int, after: bool) -> None:
        super().__init__(path)
        self.left, self.after = dies_at, after

    def write(self, move: Move) -> None:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        super().write(move)
        if self.left == 0:
            raise Killed


def run(fleet: PaperFleet, journal: Journal) -> None:
    carry_out(begin_or_resume(journal, MOVE), fleet, journal)


def ended(fleet: PaperFleet) -> bool:
    return fleet.running == fleet.written == {"nj": "standby", "sg": "active"} and fleet.most_traders == 1


def test_a_move_passes_eleven_points(tmp_path: Path) -> None:
    fleet = PaperFleet()
    run(fleet, Journal(tmp_path / "journal"))
    assert ended(fleet)
    assert fleet.points == 11
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("first", range(1, 12))
@pytest.mark.parametrize("second", range(1, 12))
def test_killed_in_the_fleet_twice_and_resumed(first: int, second: int, tmp_path: Path) -> None:
    fleet, journal = PaperFleet(dies_at=first), Journal(tmp_path / "journal")
    with pytest.raises(Killed):
        run(fleet, journal)
    fleet.dies_at = fleet.points + second
    try:
        run(fleet, journal)
    except Killed:
        run(fleet, journal)
    assert ended(fleet)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 6))
def test_killed_at_the_journal_and_resumed(number: int, after: bool, tmp_path: Path) -> None:
    fleet, path = PaperFleet(), tmp_path / "journal"
    with pytest.raises(Killed):
        run(fleet, DyingJournal(path, number, after))
    run(fleet, Journal(path)) if path.exists() or not ended(fleet) else None
    assert ended(fleet)


def test_who_was_not_seen_to_stop_keeps_the_other_one_from_starting(tmp_path: Path) -> None:
    fleet, journal = PaperFleet(stuck=True), Journal(tmp_path / "journal")
    for _ in range(2):
        with pytest.raises(MoveError, match="nj was told to stop and was not seen to have stopped, so sg was not"):
            run(fleet, journal)
    assert fleet.running["sg"] == "standby"
    fleet.running["nj"] = "standby"
    run(fleet, journal)
    assert fleet.running == {"nj": "standby", "sg": "active"}


def test_another_move_waits_for_the_first_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    begin_or_resume(journal, MOVE)
    with pytest.raises(MoveError, match="end it first with: fleet venue move alpaca --account main --to sg"):
        begin_or_resume(journal, Move("bybit", "main", "sg", "nj"))


def test_a_damaged_journal_is_no_journal_without_a_move(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"venue": "alpaca"')
    with pytest.raises(MoveError, match="damaged; see by hand which region trades"):
        begin_or_resume(Journal(tmp_path / "journal"), MOVE)


def test_a_target_that_cannot_be_prepared_leaves_the_source_trading(tmp_path: Path) -> None:
    class Unready(PaperFleet):
        def set_mode(self, region: str, venue: str, account: str, mode: Mode) -> None:
            if region == "sg":
                raise MoveError("no secret alpaca/sg/api-key")
            super().set_mode(region, venue, account, mode)

    fleet = Unready()
    with pytest.raises(MoveError, match="alpaca/sg/api-key"):
        run(fleet, Journal(tmp_path / "journal"))
    assert fleet.running["nj"] == "active"


@pytest.mark.parametrize(
    ("venue", "account", "target", "said"),
    [
        ("alpacca", "main", "sg", "is not a broker of the catalogue; did you mean 'alpaca'"),
        ("alpaca", "main", "sgp", "is not a region; there are: hub, nj"),
        ("alpaca", "second", "sg", "no region trades account second of alpaca"),
        ("alpaca", "main", "nj", "nj trades account main of alpaca already"),
        ("alpaca", "main", "hub", "hub does not run the bundle trading"),
        ("interactive-brokers", "us", "sg", "lets an account in once"),
    ],
)
def test_a_move_that_cannot_be(venue: str, account: str, target: str, said: str) -> None:
    with pytest.raises(MoveError, match=said):
        planned(load(Path(__file__).parents[2]), venue, account, target)


def test_a_move_needs_both_of_its_regions() -> None:
    refuse_absent(MOVE, ("hub", "nj", "sg"))
    for standing, missing in ((("hub", "nj"), "sg"), (("sg",), "nj")):
        with pytest.raises(MoveError, match=f"^{missing} was not brought up.* Run: fleet up {missing}$"):
            refuse_absent(MOVE, standing)


def test_a_mode_is_written_where_the_account_stands() -> None:
    text = "config:\n  fleet:venues:\n    alpaca: active  # the first\n    ib: {us: active}\n"
    assert "    alpaca: standby  # the first\n" in with_mode(text, "alpaca", "main", "standby")
    assert "ib: {us: standby}" in with_mode(text, "ib", "us", "standby")
    assert "    bybit: active\n" in with_mode(text, "bybit", "main", "active")
