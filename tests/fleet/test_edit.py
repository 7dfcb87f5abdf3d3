"""Edits of fleet.yaml change one value and keep everything else as a person wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleet.model.edit import EditRefused, remove_key, set_list, set_scalar

ROOT = Path(__file__).parents[2]
TEXT = """\
# the fleet
mesh:  # keys below
    port: 51820   # UDP

    epoch:
        keys: 1  # raised by rotate
        nodes: {}
# what follows
budgets: {nj: "70.00"}
empty:
list: [1, 2]
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("mesh", "epoch", "keys"), "2", "keys: 1  # raised", "keys: 2  # raised"),
        (("mesh", "port"), "4500", "port: 51820   # UDP", "port: 4500   # UDP"),
        (("mesh", "epoch", "psk"), "3", "nodes: {}\n", "nodes: {}\n        psk: 3\n"),
        (("mesh", "mtu"), "1400", "nodes: {}\n", "nodes: {}\n    mtu: 1400\n"),
        (("mesh", "epoch", "nodes", "sg"), "2", "nodes: {}", "nodes: {sg: 2}"),
        (("budgets", "nj"), "80.00", '"70.00"', '"80.00"'),
        (("budgets", "sg"), '"50.00"', '{nj: "70.00"}', '{nj: "70.00", sg: "50.00"}'),
        (("budgets", "note"), "a, b", '{nj: "70.00"}', '{nj: "70.00", note: "a, b"}'),
        (("empty",), "now", "empty:\n", "empty: now\n"),
        (("empty", "a", "b"), "1", "empty:\n", "empty: {a: {b: 1}}\n"),
        (("new", "key"), "x # y", "list: [1, 2]\n", 'list: [1, 2]\nnew:\n  key: "x # y"\n'),
        (("budgets", "nj"), "", '"70.00"', '""'),
    ],
)
def test_one_value_changes(path: tuple[str, ...], value: str, old: str, new: str) -> None:
    assert set_scalar(TEXT, path, value) == TEXT.replace(old, new)


def test_a_last_line_without_its_break_gets_one() -> None:
    assert set_scalar("a: 1", ("b",), "2") == "a: 1\nb: 2\n"


def test_windows_line_breaks_stay() -> None:
    assert set_scalar("a: 1\r\nb: 2\r\n", ("c",), "3") == "a: 1\r\nb: 2\r\nc: 3\r\n"


def test_the_default_fleet_takes_a_rotation() -> None:
    before = (ROOT / "fleet.yaml").read_text()
    after = set_scalar(before, ("mesh", "epoch", "keys"), "2")
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [("    keys: 1", "    keys: 2")]


def test_an_operators_key_is_added_as_text() -> None:
    key = "ssh-ed25519 AAAA alice@laptop"
    after = set_scalar((ROOT / "fleet.yaml").read_text(), ("operators", "keys", "alice"), key)
    assert yaml.safe_load(after)["operators"]["keys"] == {"alice": key}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("list",), "list: is a mapping or a list"),
        (("mesh",), "mesh: is a mapping or a list"),
        (("mesh", "port", "deep"), "mesh.port: is not a mapping"),
    ],
)
def test_what_is_not_one_value_is_refused(path: tuple[str, ...], said: str) -> None:
    with pytest.raises(EditRefused, match=said):
        set_scalar(TEXT, path, "1")


def test_a_malformed_text_is_refused() -> None:
    with pytest.raises(EditRefused, match="stands twice"):
        set_scalar("a: 1\na: 2\n", ("a",), "3")


BLOCK = """\
people:
  al: x  # first
  # about bo
  bo: y
hosts:
  - a
  - b
# end
"""


@pytest.mark.parametrize(
    ("before", "path", "items", "after"),
    [
        (TEXT, ("list",), ["1", "2", "3"], TEXT.replace("[1, 2]", "[1, 2, 3]")),
        (TEXT, ("list",), [], TEXT.replace("[1, 2]", "[]")),
        (TEXT, ("empty",), ["a b", "c, d"], TEXT.replace("empty:", 'empty: [a b, "c, d"]')),
        (TEXT, ("mesh", "peers"), ["a"], TEXT.replace("nodes: {}\n", "nodes: {}\n    peers: [a]\n")),
        (BLOCK, ("hosts",), ["a", "b", "c: d"], BLOCK.replace("  - b\n", '  - b\n  - "c: d"\n')),
        (BLOCK, ("hosts",), [], BLOCK.replace("hosts:\n  - a\n  - b\n", "hosts: []\n")),
    ],
)
def test_a_list_changes(before: str, path: tuple[str, ...], items: list[str], after: str) -> None:
    assert set_list(before, path, items) == after


@pytest.mark.parametrize("path", [("mesh",), ("mesh", "port")])
def test_what_is_not_a_list_is_refused(path: tuple[str, ...]) -> None:
    with pytest.raises(EditRefused, match="is not a list"):
        set_list(TEXT, path, ["1"])


def test_a_key_goes_with_its_line() -> None:
    without_al = remove_key(BLOCK, ("people", "al"))
    assert without_al == BLOCK.replace("  al: x  # first\n", "")
    assert yaml.safe_load(remove_key(without_al, ("people", "bo")))["people"] == {}
    assert remove_key(BLOCK, ("hosts",)) == BLOCK.replace("hosts:\n  - a\n  - b\n", "")
    assert remove_key("a: {b: 1, c: 2, d: 3}\n", ("a", "b")) == "a: {c: 2, d: 3}\n"
    assert remove_key("a: {b: 1, c: 2}\n", ("a", "c")) == "a: {b: 1}\n"
    assert remove_key("a: {b: 1}\n", ("a", "b")) == "a: {}\n"


def test_a_key_that_is_not_there_is_refused() -> None:
    with pytest.raises(EditRefused, match=r"mesh\.prt: does not exist"):
        remove_key(TEXT, ("mesh", "prt"))


@given(
    st.sampled_from([("mesh", "port"), ("mesh", "epoch", "x"), ("budgets", "x"), ("empty", "x"), ("top",)]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=30),
)
def test_any_text_arrives_as_one_value_or_is_refused(path: tuple[str, ...], value: str) -> None:
    try:
        after = yaml.safe_load(set_scalar(TEXT, path, value))
    except EditRefused:
        return
    expected = yaml.safe_load(TEXT)
    inner = expected
    for key in path[:-1]:
        inner[key] = inner[key] or {}
        inner = inner[key]
    found = after
    for key in path:
        found = found[key]
    assert not isinstance(found, (dict, list))
    inner[path[-1]] = found
    assert after == expected
