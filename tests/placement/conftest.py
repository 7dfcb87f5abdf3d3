"""The ``fleet`` command on the default fleet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``fleet ARGUMENTS``."""

    def run(*arguments: str) -> Said:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr("sys.argv", ["fleet", *arguments])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        said = capfd.readouterr()
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    return run
