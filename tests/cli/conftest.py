"""The ``fleet`` command as its user sees it: arguments in; exit code, standard output and standard error out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.said import Fleet, fleet_in

CHECKOUT = Path(__file__).resolve().parents[2]
OPERATOR_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILgrY+K5qUrbtshGOAdkN1xvfIJxwPe9KELQhyfL5nX3 anna@laptop"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet's folder, the default files in it; the current folder is another one."""
    place = tmp_path / "fleet"
    place.mkdir()
    for file in (CHECKOUT / "fleet.yaml", *CHECKOUT.glob("Pulumi*.yaml")):
        shutil.copyfile(file, place / file.name)
    monkeypatch.delenv("FLEET_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    return place


@pytest.fixture
def fleet(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    """Run ``fleet ARGUMENTS`` in the fleet's folder."""
    return fleet_in(folder, monkeypatch, capfd)
