"""``fleet ARGUMENTS`` run in this process, as a person runs it in a folder: what it said, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """What it printed for ``--json``."""
        return json.loads(self.out)


Fleet = Callable[..., Said]


def fleet_in(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fleet:
    """Runs ``fleet`` with the folder, or another one that is given, as the current one."""

    def run(*arguments: str, cwd: Path = folder) -> Said:
        monkeypatch.chdir(cwd)
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
