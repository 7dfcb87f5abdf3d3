"""The ``fleet`` command as its user sees it: arguments in; exit code, standard output and standard error out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]
OPERATOR_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILgrY+K5qUrbtshGOAdkN1xvfIJxwPe9KELQhyfL5nX3 anna@laptop"


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Fleet = Callable[..., Said]


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

    def run(*arguments: str, cwd: Path = folder) -> Said:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr("sys.argv", ["fleet", *arguments])
        capfd.readouterr()
        try:
            main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code
        said = capfd.readouterr()
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return run
