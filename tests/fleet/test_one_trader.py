"""What the stacks' states say of who trades an account keeps a second region from trading it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from fleet.configuration import Configuration, load
from fleet.operation.one_trader import SecondTrader, may_trade, refuse_release, second_traders
from fleet.operation.recorded import Recorded
from fleet.venues.files import write_mode

HELD = "0123456789abcdef"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the default fleet's files."""
    checkout = Path(__file__).parents[2]
    for path in (checkout / "fleet.yaml", *checkout.glob("Pulumi*.yaml")):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def trading(accounts: str, held: str = "") -> tuple[Recorded, ...]:
    """The trading bundle in the state of a stack."""
    release = {"settings": json.dumps({"bundle": "trading"}), "held": held}
    return ({**release, "files": {"env/trading.env": f"FLEET_VENUES='{accounts}'\n"}},)


def found(configuration: Configuration, region: str, states: Mapping[str, tuple[Recorded, ...]]) -> list[str]:
    return second_traders(configuration, [region], lambda name: states.get(name, ()))


def hold(files: Path, region: str) -> None:
    file = files / f"Pulumi.{region}.yaml"
    file.write_text(file.read_text() + f"  fleet:held: {{trading: {HELD}}}\n")


def swap(files: Path) -> Configuration:
    """By hand: sg trades alpaca in the files, and nj stands by."""
    write_mode(files, "nj", "alpaca", "main", "standby")
    write_mode(files, "sg", "alpaca", "main", "active")
    return load(files)


def test_what_every_region_trades_already_it_may_go_on_trading(files: Path) -> None:
    configuration = load(files)
    accounts = {region: may_trade(configuration, region) for region in configuration.stacks}
    assert ("alpaca", "main") in accounts["nj"]
    states = {
        region: trading(",".join(f"{venue}:{account}=active" for venue, account in of))
        for region, of in accounts.items()
    }
    assert second_traders(configuration, configuration.stacks, lambda name: states[name]) == []
    assert second_traders(configuration, configuration.stacks, lambda name: ()) == [], "nothing was brought up yet"


def test_modes_that_were_swapped_by_hand_bring_no_second_trader(files: Path) -> None:
    swapped = swap(files)
    before = {"nj": trading("alpaca:main=active"), "sg": trading("binance:main=active,bybit:main=active")}
    [said] = found(swapped, "sg", before)
    assert said.startswith("sg would trade account main of alpaca, which nj still trades")
    assert "fleet venue move alpaca --account main --to sg" in said
    assert said.endswith("fleet up sg --stopped nj")
    assert found(swapped, "nj", before) == [], "it only stops"
    after = {**before, "nj": trading("alpaca:main=standby")}
    assert found(swapped, "sg", after) == []


def test_of_a_region_that_is_held_the_files_and_the_state_say_too_little(files: Path) -> None:
    hold(files, "nj")
    states = {"nj": trading("alpaca:main=active", HELD)}
    assert found(load(files), "nj", states) == []
    [said] = found(swap(files), "nj", states)
    assert said.startswith("nj is held at an earlier release of trading, which may still trade account main of alpaca")
    assert "fleet release resume nj trading" in said


def test_a_region_that_was_held_did_not_run_what_its_state_has(files: Path) -> None:
    states = {"nj": trading("alpaca:main=active", HELD), "sg": trading("alpaca:main=active")}
    [said] = found(load(files), "nj", states)
    assert "which sg still trades" in said


def test_no_way_leads_back_to_a_release_that_trades_what_has_left(files: Path) -> None:
    release = {"env/trading.env": "FLEET_VENUES='alpaca:main=active,coinbase:main=active'\n"}
    refuse_release(load(files), "nj", HELD, release)
    with pytest.raises(SecondTrader, match=rf"release {HELD} of trading trades account main of alpaca, which nj does"):
        refuse_release(swap(files), "nj", HELD, release)
