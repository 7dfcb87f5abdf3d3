"""A move of an account, killed at every point and run again: never do two regions trade, and it always ends."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.configuration import load
from fleet.model.problems import ConfigurationError
from fleet.model.venue import Mode
from fleet.venues.files import with_mode, write_mode
from fleet.venues.move import Journal, Move, MoveError, Step, begin_or_resume, carry_out
from fleet.venues.planning import outcome, planned, refuse_absent

MOVE = Move("alpaca", "main", "nj", "sg")
ONCE = Move("interactive-brokers", "us", "nj", "sg", Step.STOP, resting=None)
"""Of an account that its venue lets in once."""


class Killed(BaseException):
    """The process ends here."""


@dataclass
class PaperFleet:
    """Two regions. It dies at one of the points that it passes, and notes every state that it was in."""

    dies_at: int = -1
    resting: Mode | None = "standby"
    running: dict[str, Mode | None] = field(default_factory=dict)
    written: dict[str, Mode | None] = field(default_factory=dict)
    most_traders: int = 0
    most_sessions: int = 0
    """Of the account: of who trades and who stands by."""
    points: int = 0
    stuck: bool = False

    def __post_init__(self) -> None:
        self.running = {"nj": "active", "sg": self.resting}
        self.written = dict(self.running)

    def set_mode(self, region: str, venue: str, account: str, mode: Mode | None) -> None:
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
            self.most_sessions = max(self.most_sessions, sum(mode is not None for mode in modes.values()))
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


@pytest.fixture
def fleet_files(tmp_path: Path) -> Path:
    """A folder with the default fleet's files."""
    checkout = Path(__file__).parents[2]
    for path in (checkout / "fleet.yaml", *checkout.glob("Pulumi*.yaml")):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def run(fleet: PaperFleet, journal: Journal, move: Move = MOVE) -> None:
    carry_out(begin_or_resume(journal, move), fleet, journal)


def ended(fleet: PaperFleet) -> bool:
    return fleet.running == fleet.written == {"nj": fleet.resting, "sg": "active"} and fleet.most_traders == 1


def test_a_move_passes_eleven_points(tmp_path: Path) -> None:
    fleet = PaperFleet()
    run(fleet, Journal(tmp_path / "journal"))
    assert ended(fleet)
    assert fleet.points == 11
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("first", range(1, 9))
@pytest.mark.parametrize("second", range(1, 9))
def test_an_account_that_is_let_in_once_has_never_two_sessions(first: int, second: int, tmp_path: Path) -> None:
    fleet, journal = PaperFleet(dies_at=first, resting=None), Journal(tmp_path / "journal")
    with pytest.raises(Killed):
        run(fleet, journal, ONCE)
    fleet.dies_at = fleet.points + second
    try:
        run(fleet, journal, ONCE)
    except Killed:
        run(fleet, journal, ONCE)
    assert ended(fleet)
    assert fleet.most_sessions == 1


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
        def set_mode(self, region: str, venue: str, account: str, mode: Mode | None) -> None:
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


def test_an_account_that_is_let_in_once_is_let_go_before_it_is_had(fleet_files: Path) -> None:
    planned_move = planned(load(fleet_files), "interactive-brokers", "us", "sg")
    assert planned_move == ONCE
    with pytest.raises(MoveError, match=r"cannot begin.*(?s:.*)as interactive-brokers \(asia\) does"):
        outcome(fleet_files, planned_move)
    with pytest.raises(MoveError, match=r"cannot begin.*(?s:.*)read through account asia of interactive-brokers"):
        outcome(fleet_files, planned(load(fleet_files), "interactive-brokers", "asia", "ldn"))
    for venue in ("ib-market-data", "interactive-brokers"):
        write_mode(fleet_files, "sg", venue, "asia", None)
    stacks = outcome(fleet_files, planned_move).stacks
    brokers = {region: [use.account for use in stacks[region].venues if use.venue == ONCE.venue] for region in stacks}
    assert (brokers["nj"], brokers["sg"]) == ([], ["us"])
    assert planned(load(fleet_files), "interactive-brokers", "us", "sg") == ONCE, "asking changed nothing"


def test_a_region_that_is_held_at_a_release_cannot_take_part(fleet_files: Path) -> None:
    file = fleet_files / "Pulumi.sg.yaml"
    file.write_text(file.read_text() + "  fleet:held: {trading: 0123456789abcdef}\n")
    for venue, target in (("alpaca", "sg"), ("bybit", "tyo")):
        with pytest.raises(
            MoveError, match=r"sg is held at release 0123456789abcdef .*fleet release resume sg trading"
        ):
            planned(load(fleet_files), venue, "main", target)


def test_files_that_would_be_wrong_stay_as_they_were(fleet_files: Path) -> None:
    before = (fleet_files / "Pulumi.sg.yaml").read_text()
    with pytest.raises(ConfigurationError, match="alpaca in nj already"):
        write_mode(fleet_files, "sg", "alpaca", "main", "active")
    assert (fleet_files / "Pulumi.sg.yaml").read_text() == before


@pytest.mark.parametrize(
    ("venue", "target", "nearest"), [("bybit", "nj", "sg"), ("binance", "nj", "tyo"), ("binance", "chi", "tyo")]
)
def test_no_account_moves_to_a_country_that_its_venue_refuses(
    venue: str, target: str, nearest: str, fleet_files: Path
) -> None:
    with pytest.raises(MoveError, match=rf"cannot begin.*(?s:.*)cannot be in US(?s:.*)the nearest to .* is {nearest}"):
        outcome(fleet_files, planned(load(fleet_files), venue, "main", target))


def test_a_mode_is_written_where_the_account_stands() -> None:
    text = "config:\n  fleet:venues:\n    alpaca: active  # the first\n    ib: {us: active}\n"
    assert "    alpaca: standby  # the first\n" in with_mode(text, "alpaca", "main", "standby")
    assert "ib: {us: standby}" in with_mode(text, "ib", "us", "standby")
    assert "    bybit: active\n" in with_mode(text, "bybit", "main", "active")
    assert with_mode(text, "ib", "us", None) == text.replace("    ib: {us: active}\n", "")
    assert "ib: {eu: standby}" in with_mode(text.replace("{us:", "{eu: standby, us:"), "ib", "us", None)
    assert with_mode(text, "alpaca", "second", None) == text
    assert "alpaca" not in with_mode(text, "alpaca", "main", None)
