"""A checkout whose engine is small: the real names of programs and modules, with sources of a few lines.

Everything else is real: Go compiles, the module system resolves, the cache is a folder. So a build takes a second
here, and six minutes for the true engine.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fleet.engine.build import VERSION_VARIABLE

CLI = "github.com/pulumi/pulumi/pkg/v3"
SDK = "github.com/pulumi/pulumi/sdk/v3"

VERSION_PACKAGE = "package version\n\nvar Version string\n"
PROGRAM = f"""package main

import (
	"fmt"

	"{VERSION_VARIABLE.rpartition(".")[0]}"
)

func main() {{ fmt.Println(version.Version) }}
"""
CLI_MODULE = f"""module fleet.invalid/engine/cli

go 1.21

require (
	{CLI} v3.259.0
	{SDK} v3.259.0
)

replace (
	{CLI} => ../sources/pkg
	{SDK} => ../sources/sdk
)
"""
HOST_MODULE = f"""module fleet.invalid/engine/language-python

go 1.21

require {SDK} v3.79.0

replace {SDK} => ../sources/sdk
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    if shutil.which("go") is None:
        pytest.skip("needs Go on PATH")
    engine = tmp_path / "checkout" / "tools" / "engine"
    files = {
        "sources/pkg/go.mod": f"module {CLI}\n\ngo 1.21\n\nrequire {SDK} v3.259.0\n",
        "sources/pkg/cmd/pulumi/main.go": PROGRAM,
        "sources/sdk/go.mod": f"module {SDK}\n\ngo 1.21\n",
        "sources/sdk/go/common/version/version.go": VERSION_PACKAGE,
        "sources/sdk/python/cmd/pulumi-language-python/main.go": PROGRAM,
        "sources/sdk/python/cmd/pulumi-language-python-exec": "#!/usr/bin/env python3\n",
        "sources/sdk/python/dist/pulumi-resource-pulumi-python": "#!/bin/sh\n",
        "cli/go.mod": CLI_MODULE,
        "cli/go.sum": "",
        "language-python/go.mod": HOST_MODULE,
        "language-python/go.sum": "",
        "go-requirements.txt": (
            Path(__file__).resolve().parents[2] / "tools" / "engine" / "go-requirements.txt"
        ).read_text(),
    }
    for name, text in files.items():
        path = engine / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "checkout"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """The caller's environment with a cache of its own and no engine on PATH."""
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "pulumi").exists()]
    return {**os.environ, "FLEET_CACHE": str(tmp_path / "cache"), "PATH": os.pathsep.join(folders)}


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Path]:
    """Put executables into a folder of their own; returns the folder."""

    def put(folder: str, **programs: str) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for name, text in programs.items():
            path = place / name.replace("_", "-")
            path.write_text(text)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return place

    return put
