"""Who may connect: edits of ``operators`` in fleet.yaml that are kept only if the whole configuration stays good."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

from fleet.configuration import Configuration, load
from fleet.model.edit import remove_key, set_list, set_scalar
from fleet.model.problems import ConfigurationError

FILE = "fleet.yaml"


class NoSuchOperator(Exception):
    """An operator or network is not in fleet.yaml."""

    exit_code = 2


def add_operator(root: Path, name: str, key: str = "", address: str = "") -> None:
    """Let a key log in under a person's name, and open ssh to a network.

    Raises:
        ConfigurationError: the key or the network is not one; fleet.yaml is as it was.
        NoSuchOperator: neither was given.
    """
    if not key and not address:
        raise NoSuchOperator(f"{name}: give --key, --address, or both")
    configuration = load(root)
    edits: list[Callable[[str], str]] = []
    if key:
        edits.append(lambda text: set_scalar(text, ("operators", "keys", name), key))
    if address:
        known = _addresses(configuration)
        network = _canonical(address)
        if network not in known:
            edits.append(lambda text: set_list(text, ("operators", "addresses"), [*known, network]))
    _edit(root, edits)


def remove_operator(root: Path, name: str, address: str = "") -> None:
    """Take a person's key away, and close ssh to a network.

    Raises:
        NoSuchOperator: there is no such person or network; names the ones there are.
        ConfigurationError: fleet.yaml was not good before.
    """
    configuration = load(root)
    if name not in configuration.fleet.operators.keys:
        there = ", ".join(configuration.fleet.operators.keys) or "nobody"
        raise NoSuchOperator(f"no operator '{name}' in {FILE}. There: {there}")
    edits: list[Callable[[str], str]] = [lambda text: remove_key(text, ("operators", "keys", name))]
    if address:
        known = _addresses(configuration)
        network = _canonical(address)
        if network not in known:
            raise NoSuchOperator(f"ssh is not open to {address}. Open to: {', '.join(known) or 'nobody'}")
        edits.append(
            lambda text: set_list(text, ("operators", "addresses"), [item for item in known if item != network])
        )
    _edit(root, edits)


def _addresses(configuration: Configuration) -> list[str]:
    return [str(network) for network in configuration.fleet.operators.addresses]


def _canonical(address: str) -> str:
    """``198.51.100.7/32`` for ``198.51.100.7``; what is no network stays, for the configuration's check to tell."""
    try:
        return str(IPv4Network(address))
    except ValueError:
        return address


def _edit(root: Path, edits: list[Callable[[str], str]]) -> None:
    path = root / FILE
    before = path.read_text()
    text = before
    for edit in edits:
        text = edit(text)
    path.write_text(text)
    try:
        load(root)
    except ConfigurationError:
        path.write_text(before)
        raise
