"""Stacks in waves: addresses, then the regions phase by phase; what fails keeps the next wave from starting."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fleet.configuration import Configuration, load
from fleet.operation.fleet_up import run_waves
from fleet.operation.order import UnknownStack, together, waves
from fleet.operation.run import Progress, StackRun
from fleet.workspace import Workspace
from fleet.workspace.stop import request_stop, stop_file

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(ROOT)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / ".fleet").mkdir()
    return Workspace(tmp_path, "file:///nowhere", tmp_path / "passphrase", tmp_path / "secrets.json", {})


def ended(stack: str, *errors: str) -> StackRun:
    return StackRun(stack, changes={}, errors=errors, warnings=(), outputs={}, seconds=0.0)


def test_addresses_come_first_then_phase_by_phase(configuration: Configuration) -> None:
    everything = ["addresses", *configuration.stacks]
    phases = {name: configuration.fleet.regions[name].phase for name in configuration.stacks}
    found = waves(configuration, everything)
    assert found[0] == ("addresses",)
    assert sorted(name for wave in found for name in wave) == sorted(everything)
    assert [phases[wave[0]] for wave in found[1:]] == sorted(set(phases.values()))
    assert all(len({phases[name] for name in wave}) == 1 for wave in found[1:]), "one phase, at the same time"


def test_of_what_is_asked_for_the_order_stays_and_open_regions_are_the_default(configuration: Configuration) -> None:
    assert waves(configuration, ["sg", "hub"]) == (("hub",), ("sg",))
    some_open = dataclasses.replace(
        configuration, addresses=configuration.addresses.model_copy(update={"regions": ("hub", "nj")})
    )
    assert waves(some_open, ()) == (("addresses",), ("hub",), ("nj",))
    assert together(waves(some_open, ())) == (("addresses",), ("hub", "nj"))
    with pytest.raises(UnknownStack, match=r"no stack 'sgp'\. Did you mean 'sg'"):
        waves(configuration, ["sgp"])


def test_a_wave_with_a_failure_is_the_last_that_runs(workspace: Workspace) -> None:
    def run(_workspace: Workspace, stack: str, _progress: Progress) -> StackRun:
        return StackRun(
            stack, changes={}, seconds=0.0, errors=("no room",) if stack == "sg" else (), warnings=(), outputs={}
        )

    ordered = (("addresses",), ("nj", "sg"), ("ldn",))
    done = run_waves(workspace, ordered, run, lambda stack, text: None)
    assert sorted(one.stack for one in done) == ["addresses", "nj", "sg"]


def test_a_killed_run_of_the_same_number_asks_nobody_to_stop(workspace: Workspace) -> None:
    asked = []

    def run(_workspace: Workspace, stack: str, _progress: Progress) -> StackRun:
        asked.append(stop_file(workspace.root).exists())
        return ended(stack)

    request_stop(workspace.root)
    run_waves(workspace, (("nj",),), run, lambda stack, text: None)
    assert asked == [False]
