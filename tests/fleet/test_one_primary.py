"""A second primary of an enterprise database is seen in the states of the stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.operation.one_primary import has_primary
from fleet.operation.recorded import releases_in
from hosts.release import COMPOSE_FILE

GOLDEN = Path(__file__).parents[1] / "bundles" / "enterprise"


def state(compose: str) -> dict[str, object]:
    urn = "urn:pulumi:sg::fleet::pulumi-python:dynamic/infra:BundleRelease::sg-questdb"
    return {"resources": [{"urn": urn, "inputs": {"files": {COMPOSE_FILE: compose}}}]}


def rendered(host: str) -> str:
    """The Compose file out of the golden rendering of a host."""
    text = (GOLDEN / f"{host}-questdb.txt").read_text()
    return text[text.index(f"### {COMPOSE_FILE}") :].partition("\n")[2].partition("\n### ")[0]


@pytest.mark.parametrize(("host", "primary"), [("hub", True), ("nj", False)])
def test_the_role_is_in_what_was_brought_up(host: str, primary: bool) -> None:
    assert has_primary(releases_in(state(rendered(host)))) is primary


def test_a_host_without_the_database_has_none() -> None:
    assert not has_primary(releases_in(None))
    assert not has_primary(releases_in(state("services: {redis-local: {}}")))
