"""An argument list survives the remote shell unchanged, whatever stands in it. Cases: quoting.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts import Argv

CASES = json.loads(Path(__file__).with_name("quoting.json").read_text(encoding="utf-8"))
ECHO = "import json, sys; print(json.dumps(sys.argv[1:]))"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_text_of_a_command(case: dict[str, Any]) -> None:
    assert str(Argv(*case["argv"])) == case["text"]


def test_a_shell_splits_it_into_the_same_arguments() -> None:
    arguments = [argument for case in CASES for argument in case["argv"]]
    command = str(Argv(sys.executable, "-c", ECHO, *arguments))
    out = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout
    assert json.loads(out) == arguments


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4))
def test_no_text_escapes_its_quotes(arguments: list[str]) -> None:
    import shlex

    assert shlex.split(str(Argv("program", *arguments))) == ["program", *arguments]


@pytest.mark.parametrize(("arguments", "error"), [((), ValueError), (("",), ValueError), (("a", "b\0c"), ValueError)])
def test_what_is_no_command_is_refused(arguments: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        Argv(*arguments)


def test_numbers_are_not_turned_into_text_silently() -> None:
    with pytest.raises(TypeError):
        Argv("sleep", 5)  # type: ignore[arg-type]
