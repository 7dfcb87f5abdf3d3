"""A fleet's workspace: found from anywhere inside its folder, and everything that an engine run needs."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from fleet.workspace import SETTINGS, Workspace, WorkspaceError, find_root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FLEET_ROOT", raising=False)
    (tmp_path / "fleet.yaml").write_text("name: fleet\n")
    return tmp_path


def workspace(root: Path, **environment: str) -> Workspace:
    return Workspace(
        root=root,
        backend=f"file://{root}/.fleet/state",
        passphrase_file=root / ".fleet" / "passphrase",
        secrets_file=root / ".fleet" / "secrets.json",
        environment=environment,
    )


def test_it_is_found_from_a_folder_inside(root: Path) -> None:
    inside = root / "stacks" / "deep"
    inside.mkdir(parents=True)

    assert find_root(inside) == root


def test_the_environment_names_it_for_programs_that_the_engine_runs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_ROOT", str(root))
    monkeypatch.chdir("/")

    assert find_root() == root


def test_what_is_saved_is_opened_again(root: Path) -> None:
    saved = workspace(root, PULUMI_HOME="/somewhere")
    saved.save()

    assert Workspace.open(root) == saved
    assert stat.S_IMODE((root / SETTINGS).stat().st_mode) == 0o600


def test_a_folder_that_moves_takes_its_passphrase_and_secrets_with_it(root: Path, tmp_path: Path) -> None:
    workspace(root).save()
    moved = tmp_path / "moved"
    moved.mkdir()
    (root / ".fleet").rename(moved / ".fleet")

    assert Workspace.open(moved).passphrase_file == moved / ".fleet" / "passphrase"


@pytest.mark.parametrize(
    "settings",
    ["", "[]", "backend: file:///x", "backend: 1\npassphrase_file: a\nsecrets_file: b", "a: {b", "environment: x"],
)
def test_damaged_settings_are_told_with_their_place(root: Path, settings: str) -> None:
    (root / SETTINGS).parent.mkdir()
    (root / SETTINGS).write_text(settings)

    with pytest.raises(WorkspaceError, match=r"settings\.yaml"):
        Workspace.open(root)


def test_an_empty_passphrase_is_no_passphrase(root: Path) -> None:
    opened = workspace(root)
    opened.save()
    opened.passphrase_file.write_text("\n")

    with pytest.raises(WorkspaceError, match="is empty; it holds the fleet's passphrase"):
        opened.passphrase()


def test_an_engine_run_gets_this_python_and_the_engine_first(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet.workspace import engine_path

    engine = tmp_path / "engine"
    engine.mkdir()
    for name in ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        (engine / name).write_text("#!/bin/sh\n")
    (engine / "pulumi").write_text("#!/bin/sh\necho v3.300.0\n")
    for program in engine.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{engine}")
    engine_path.engine.cache_clear()
    try:
        environment = workspace(root, PULUMI_HOME="/somewhere").engine_environment()
    finally:
        engine_path.engine.cache_clear()

    assert environment["PATH"].split(os.pathsep) == [f"{sys.prefix}/bin", str(engine), "/usr/bin", "/bin"]
    assert environment["PULUMI_BACKEND_URL"] == f"file://{root}/.fleet/state"
    assert environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == f"{root}/.fleet/passphrase"
    assert environment["FLEET_ROOT"] == str(root)
    assert environment["PULUMI_HOME"] == "/somewhere"
