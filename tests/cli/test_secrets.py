"""``fleet secrets``: names are shown, values never; what a host could not hold is refused before it is written."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.workspace import Workspace
from tests.cli.conftest import CHECKOUT
from tests.said import Fleet, Said

NAME = "alpaca/nj/api-key"
VALUE = "AKIA-not-a-real-one"


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    """In a folder that was initialised."""
    assert fleet("init").code == 0
    return fleet


def set_by_input(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, text: str, name: str = NAME) -> Said:
    """What is piped into the command."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return fleet("secrets", "set", name)


def stored(folder: Path, name: str = NAME) -> str:
    return Workspace.open(folder).open_secrets().get(name)


def test_set_list_and_remove(fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fleet("secrets", "list").out == ""

    said = set_by_input(fleet, monkeypatch, VALUE + "\n")
    assert (said.code, said.out) == (0, f"{NAME}: set; it reaches the hosts that use it with the next: fleet up\n")
    assert stored(folder) == VALUE
    set_by_input(fleet, monkeypatch, "another", "binance/sg/api-key")
    assert fleet("secrets", "list").out == f"{NAME}\nbinance/sg/api-key\n"
    assert fleet("secrets", "list", "--json").facts == [NAME, "binance/sg/api-key"]

    said = fleet("secrets", "remove", NAME)
    assert said.code == 0
    assert said.out.startswith(f"{NAME}: removed from the file; hosts that use it keep it until")
    assert fleet("secrets", "list").out == "binance/sg/api-key\n"


def test_a_value_is_neither_shown_nor_on_disk_in_clear(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [set_by_input(fleet, monkeypatch, VALUE), fleet("secrets", "list"), fleet("secrets", "remove", "nothing")]
    assert not any(VALUE in text for one in said for text in (one.out, one.err))
    assert not any(VALUE.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_setting_again_replaces(fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):
        set_by_input(fleet, monkeypatch, value)
    assert stored(folder) == "second"
    assert fleet("secrets", "list").out == f"{NAME}\n"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_end_of_the_line_is_no_part_of_the_value(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    set_by_input(fleet, monkeypatch, f" {VALUE} {end}")
    assert stored(folder) == f" {VALUE} "


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "the value is empty"),
        ("\n", "the value is empty"),
        ("two\nlines\n", "a line break or another control character"),
        ("bell\x07", "a line break or another control character"),
        ("it's", "a single quote, or ends with a backslash"),
        ("end\\", "a single quote, or ends with a backslash"),
    ],
)
def test_a_value_that_no_env_file_holds_is_refused(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, value: str, why: str
) -> None:
    said = set_by_input(fleet, monkeypatch, value)
    assert said.code == 1
    assert said.err.startswith(f"error: {NAME}: ")
    assert why in said.err
    assert fleet("secrets", "list").out == ""


@pytest.mark.parametrize("name", ["", "/alpaca", "alpaca//key", "alpaca/nj/", "alpaca nj", "../key"])
def test_a_name_that_no_reference_carries_is_refused(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    said = set_by_input(fleet, monkeypatch, VALUE, name)
    assert said.code == 1
    assert "is not a secret's name" in said.err
    assert fleet("secrets", "list").out == ""


def test_a_value_is_never_an_argument(fleet: Fleet) -> None:
    said = fleet("secrets", "set", NAME, VALUE)
    assert said.code == 2
    assert fleet("secrets", "list").out == ""


def test_what_is_not_there_cannot_be_removed_and_what_is_there_is_named(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it holds: none yet" in fleet("secrets", "remove", NAME).err
    set_by_input(fleet, monkeypatch, VALUE)
    said = fleet("secrets", "remove", "alpaca/nj/api-kee")
    assert said.code == 1
    assert f"no secret named 'alpaca/nj/api-kee'; it holds: {NAME}" in said.err


def test_another_passphrase_and_a_damaged_file_are_told_apart(fleet: Fleet, folder: Path) -> None:
    passphrase, file = folder / ".fleet" / "passphrase", folder / ".fleet" / "secrets.json"
    right = passphrase.read_text()
    passphrase.write_text("another one\n")
    said = fleet("secrets", "list")
    assert said.code == 1
    assert said.err.endswith("wrong passphrase\n")

    passphrase.write_text(right)
    file.write_text(file.read_text()[:-20])
    said = fleet("secrets", "list")
    assert said.code == 1
    assert "damaged, or not a secrets file; restore it from a backup" in said.err


def test_at_a_terminal_the_value_is_asked_for_and_not_shown(fleet: Fleet, folder: Path) -> None:
    ours, theirs = os.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", "from fleet.cli import main; main()", "secrets", "set", NAME],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        preexec_fn=lambda: os.login_tty(theirs),
    )
    os.close(theirs)
    shown = b""
    # Typed once it is asked for: a terminal shows what is typed before its echo is off.
    while b": " not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, VALUE.encode() + b"\n")
    assert asking.wait(timeout=60) == 0
    shown += os.read(ours, 4096)
    os.close(ours)

    assert shown.startswith(f"Value of {NAME}: ".encode())
    assert VALUE.encode() not in shown
    assert stored(folder) == VALUE
