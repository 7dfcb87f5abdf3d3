"""The real engine against the lab's plugins, servers switched off: each test has a project and a lab of its own."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet.workspace.engine_path import engine_path
from lab.cloud.environment import environment, install_plugins
from lab.settings import LabHome


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: runs the real pulumi engine")


@dataclass(frozen=True)
class Run:
    """What one run of the engine said."""

    code: int
    text: str

    def changes(self) -> dict[str, int]:
        """The summary of a run that must have succeeded: ``{"created": 2, "unchanged": 1}``."""
        assert self.code == 0, self.text
        counted = re.findall(r"^ +(?:[-+~]+ ?)?(?:\d+ changes\. )?(\d+) (\w+)$", self.text, re.MULTILINE)
        return {word: int(number) for number, word in counted}


class Engine:
    """One stack of one tiny project in a lab without servers."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "lab"
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
        LabHome(self.home).configure(servers=False)
        install_plugins(self.home)
        path = engine_path(os.environ["PATH"])
        self.environment = {**os.environ, **environment(self.home), "PATH": path, "PULUMI_CONFIG_PASSPHRASE": "lab"}
        created = self.run("stack", "init", "tiny")
        assert created.code == 0, created.text

    def program(self, text: str) -> None:
        """The program that the next runs execute."""
        (self.project / "__main__.py").write_text("import pulumi\n" + textwrap.dedent(text))

    def configure(self, key: str, value: str) -> None:
        self.run("config", "set", key, value)

    def up(self, *options: str) -> Run:
        return self.run("up", "--yes", "--skip-preview", *options)

    def refresh(self) -> Run:
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Run:
        return self.run("destroy", "--yes", "--skip-preview")

    def preview(self) -> dict[str, dict[str, Any]]:
        """Resource name to its step, of every resource that would change."""
        done = self._run("preview", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        steps = json.loads(done.stdout)["steps"]
        return {step["urn"].rpartition("::")[2]: step for step in steps if step["op"] != "same"}

    def outputs(self) -> dict[str, Any]:
        done = self._run("stack", "output", "--json", "--show-secrets")
        values: dict[str, Any] = json.loads(done.stdout)
        return values

    def state(self) -> dict[str, dict[str, Any]]:
        """Type's last part and name (``Instance nj``) to the resource in the stack's state."""
        document = json.loads(self._run("stack", "export").stdout)
        resources = document["deployment"].get("resources", [])
        return {f"{r['type'].rpartition(':')[2]} {r['urn'].rpartition('::')[2]}": r for r in resources}

    def stored(self) -> str:
        """Everything that the engine wrote: states, history, backups."""
        files = [path for path in (self.home / "state").rglob("*") if path.is_file()]
        return "".join(_content(path) for path in files)

    def run(self, *arguments: str) -> Run:
        done = self._run(*arguments)
        return Run(done.returncode, done.stdout + done.stderr)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command: Sequence[str] = ["pulumi", "--non-interactive", "--color", "never", "--logtostderr", *arguments]
        return subprocess.run(
            command, cwd=self.project, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )


def _content(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A fresh stack. Without any engine this fails: ``fleet engine build`` makes one."""
    return Engine(tmp_path)
