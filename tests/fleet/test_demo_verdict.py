"""What the demo calls a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.configuration import load
from fleet.mesh.collect import MeshView
from fleet.rehearsal.demo import Outcome
from infra.firewall import public_tcp_ports
from lab.settings import CHECKOUT
from wireguard.verification import MeshMatrix

pytestmark = pytest.mark.unit

CONFIGURATION = load(CHECKOUT)
DECLARED = {ref.id: public_tcp_ports(CONFIGURATION.fleet, ref.host) for ref in CONFIGURATION.hosts()}


def outcome(outside: dict[str, tuple[int, ...]], reads: dict[str, float | None] | None = None) -> Outcome:
    nothing = MeshView(MeshMatrix(()), {}, ())
    return Outcome({}, (), (), nothing, outside, DECLARED, {}, reads or {}, Path("demo"))


def test_a_port_that_answers_and_is_not_declared_is_a_problem() -> None:
    assert outcome({"nj": (), "sg": ()}).ok
    assert outcome({"nj": (6379, 8812)}).problems == (
        "nj: 6379/tcp answers to a venue and is not declared: close it, or name it under public_ports",
        "nj: 8812/tcp answers to a venue and is not declared: close it, or name it under public_ports",
    )


def test_on_a_visited_server_its_own_login_and_what_it_declares_may_answer() -> None:
    hub = CONFIGURATION.hosts_of(CONFIGURATION.fleet.hub)[0].host
    assert outcome({"hub": tuple(sorted(DECLARED["hub"]))}).ok
    assert {22, *(port.port for port in hub.public_ports)} == DECLARED["hub"]
    assert DECLARED["nj"] == frozenset(), "a rented server's ssh is for the operators' addresses alone"


def test_a_row_that_did_not_come_is_a_problem() -> None:
    assert outcome({}, {"nj": 0.2, "sg": None}).problems == ("sg: a row written on the hub is not read there",)
