"""Here the fleet is its hosts and their mesh. These tests come first: two cores are busy enough with that."""

from __future__ import annotations

import pytest

from tests.lab.fleet import StandingFleet


@pytest.fixture(scope="session")
def fleet(standing: StandingFleet) -> StandingFleet:
    return standing
