"""One lab for all tests that need servers, with a home of its own: it runs beside any lab of the user's."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.rehearsal.demo import clear_away, rehearse, wait_for_mesh
from fleet.rehearsal.stand import prepare
from lab.lab import Lab
from lab.machines import Machines
from lab.settings import LabHome
from tests.lab.fleet import StandingFleet, hub_as_it_is, tell
from tests.lab.leftovers import changed_files, left_on_the_machine, machine_facts

PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="session")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab(lab_home: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab that is up, with its venue. After the last test it goes as by ``make demo-down``, and nothing is left."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the lab needs root on Linux")
    made = Lab(LabHome(lab_home))
    facts, files = machine_facts(made), changed_files()
    try:
        made.up(print)
        made.wait_until_booted("venue")
        yield made
        # What failed stays to be looked at, and is removed by the next line but for its files.
        if not request.session.testsfailed:
            clear_away(tell, made)
            assert left_on_the_machine(made, facts) == {}
            assert changed_files() == files
    finally:
        made.forget(print)


@pytest.fixture(scope="session")
def machines(lab: Lab) -> Machines:
    return Machines(lab.home)


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds; the bound is far beyond what a slow machine needs."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"did not become true within {PATIENCE_SECONDS:.0f} s"
            time.sleep(0.1)

    return wait


@pytest.fixture(scope="session")
def standing(lab: Lab) -> StandingFleet:
    """The demo's three hosts and their mesh, brought up once for all tests of a fleet; of the bundles only the primary,
    which a hub must have."""
    stand = prepare(lab, print)
    before = hub_as_it_is(lab)
    fleet = StandingFleet(stand, before, stand.vault)
    fleet.lay_down_bundles()
    fleet.up()
    assert wait_for_mesh(stand, stand.hosts()).problems == ()
    return fleet


@pytest.fixture(scope="session")
def fleet(standing: StandingFleet, lab: Lab) -> StandingFleet:
    """The same fleet at work: its hosts get their bundles, as the demo's do."""
    standing.take_up_bundles()
    outcome = rehearse(tell, lab)
    assert outcome.ok, outcome.problems
    return standing
