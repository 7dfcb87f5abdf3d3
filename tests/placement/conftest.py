"""The ``fleet`` command on the default fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.said import Fleet, fleet_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    """Run ``fleet ARGUMENTS``."""
    return fleet_in(ROOT, monkeypatch, capfd)
