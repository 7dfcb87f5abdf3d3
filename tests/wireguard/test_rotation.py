"""Rotation as data: at no moment of it does a node send through an interface that its peer does not have."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wireguard.plan import MeshError
from wireguard.rotation import (
    PRESHARED_SPREAD_SECONDS,
    Gate,
    Generation,
    NodeState,
    Observed,
    Step,
    key_rotation,
    locate,
    preshared_rotation,
    way_back,
)

NODES = ("hub", "nj", "sg")
OLD = Generation("wg0", 51820, dict.fromkeys(NODES, "1"), "1")
NEW = Generation("wg1", 51821, dict.fromkeys(NODES, "2"), "1")
STEPS = key_rotation(NODES, OLD, NEW)


def look(state: NodeState) -> Observed:
    return Observed(frozenset(interface.name for interface in state.interfaces), state.routes)


def look_at(step: Step) -> dict[str, Observed]:
    return {node: look(state) for node, state in step.nodes.items()}


def sends_only_where_it_is_heard(sender: NodeState, receiver: NodeState) -> bool:
    names = {interface.name for interface in receiver.interfaces}
    return sender.routes in names and sender.routes in {interface.name for interface in sender.interfaces}


def never_loses(steps: tuple[Step, ...]) -> bool:
    """Whatever order the nodes reach a step in, each sends through an interface that its peer has."""
    return all(
        sends_only_where_it_is_heard(sender, receiver)
        for before, after in pairwise(steps)
        for first in before.nodes
        for second in before.nodes
        if first != second
        for sender in (before.nodes[first], after.nodes[first])
        for receiver in (before.nodes[second], after.nodes[second])
    )


def test_the_steps_of_a_rotation() -> None:
    assert [(step.name, step.gate) for step in STEPS] == [
        ("before", Gate.NOTHING),
        ("create wg1", Gate.HANDSHAKES),
        ("move hub", Gate.TRAFFIC),
        ("move nj", Gate.TRAFFIC),
        ("move sg", Gate.TRAFFIC),
        ("verify", Gate.HANDSHAKES),
        ("remove wg0", Gate.TRAFFIC),
    ]
    assert {step.gate_interface for step in STEPS} == {"wg1"}


def test_it_begins_with_the_old_keys_and_ends_with_the_new_ones() -> None:
    assert all(state == NodeState((OLD.of(node),), "wg0") for node, state in STEPS[0].nodes.items())
    assert all(state == NodeState((NEW.of(node),), "wg1") for node, state in STEPS[-1].nodes.items())


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, unique=True))
def test_nothing_is_sent_where_nobody_listens(names: list[str]) -> None:
    old, new = (replace(generation, epochs=dict.fromkeys(names, "1")) for generation in (OLD, NEW))
    assert never_loses(key_rotation(names, old, new))


def test_a_rotation_that_skips_a_step_is_found_out() -> None:
    # The negative control of the law above.
    assert not never_loses((STEPS[0], STEPS[-1]))
    assert not never_loses((STEPS[0], STEPS[3]))
    assert not never_loses((STEPS[2], STEPS[-1]))


def test_each_step_moves_at_most_one_nodes_routes() -> None:
    for before, after in pairwise(STEPS[1:-1]):
        assert sum(before.nodes[node].routes != after.nodes[node].routes for node in NODES) <= 1


def test_one_nodes_keys_rotate_over_all_nodes_interfaces() -> None:
    new = replace(NEW, epochs={**OLD.epochs, "nj": "1.1"})
    steps = key_rotation(NODES, OLD, new)
    assert [interface.epoch for interface in steps[1].nodes["nj"].interfaces] == ["1", "1.1"]
    assert [interface.epoch for interface in steps[1].nodes["sg"].interfaces] == ["1", "1"]


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_an_interrupted_rotation_is_found_where_it_stands(number: int) -> None:
    found = locate(STEPS, look_at(STEPS[number]))
    assert STEPS[found].nodes == STEPS[number].nodes


@given(st.integers(0, len(STEPS) - 2), st.sets(st.sampled_from(NODES)))
def test_a_step_that_only_some_nodes_reached_is_done_again(number: int, reached: set[str]) -> None:
    here, there = look_at(STEPS[number]), look_at(STEPS[number + 1])
    observed = {node: there[node] if node in reached else here[node] for node in NODES}
    found = locate(STEPS, observed)
    assert never_loses((replace(STEPS[number], nodes=STEPS[found].nodes), STEPS[min(found + 1, len(STEPS) - 1)]))
    assert found >= number or STEPS[found].nodes == STEPS[number].nodes


@pytest.mark.parametrize("number", range(len(STEPS) - 1))
def test_the_way_back_loses_nothing_and_ends_where_it_began(number: int) -> None:
    back = way_back(STEPS, look_at(STEPS[number]))
    assert back[-1].nodes == STEPS[0].nodes
    assert back[-1].gate is Gate.TRAFFIC
    assert {step.gate for step in back[:-1]} <= {Gate.NOTHING}
    assert never_loses((STEPS[number], *back))


def test_there_is_no_way_back_once_an_old_interface_is_gone() -> None:
    observed = {**look_at(STEPS[-2]), "nj": look(STEPS[-1].nodes["nj"])}
    with pytest.raises(MeshError, match="nj: the old interface is gone already, so there is no way back"):
        way_back(STEPS, observed)
    assert STEPS[locate(STEPS, observed)].name == "verify"  # forward it goes


def test_a_node_that_is_not_of_this_rotation_is_named() -> None:
    strange = {**look_at(STEPS[1]), "nj": Observed(frozenset({"wg2"}), "wg2")}
    del strange["sg"]
    with pytest.raises(MeshError) as error:
        locate(STEPS, strange)
    assert error.value.problems == (
        "nj: interfaces wg2, routes by wg2: no step of this rotation",
        "sg: was not observed",
    )


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (replace(NEW, interface="wg0"), "both generations use interface wg0"),
        (replace(NEW, port=51820), "both generations use port 51820"),
        (replace(NEW, epochs={"hub": "2"}), "nj: no epoch for its key on wg1"),
    ],
)
def test_generations_that_cannot_stand_side_by_side(new: Generation, message: str) -> None:
    with pytest.raises(MeshError, match=message):
        key_rotation(NODES, OLD, new)


def test_pre_shared_keys_change_in_place() -> None:
    before, after = preshared_rotation(NODES, OLD, replace(OLD, psk_epoch="2"))
    assert before.nodes["nj"] == NodeState((OLD.of("nj"),), "wg0")
    assert [interface.psk_epoch for interface in after.nodes["nj"].interfaces] == ["2"]
    assert (after.nodes["nj"].routes, after.gate) == ("wg0", Gate.HANDSHAKES)
    assert PRESHARED_SPREAD_SECONDS < 120  # the running sessions' next handshake


@pytest.mark.parametrize("new", [OLD, replace(NEW, psk_epoch="2")])
def test_a_rotation_of_pre_shared_keys_changes_nothing_else(new: Generation) -> None:
    with pytest.raises(MeshError):
        preshared_rotation(NODES, OLD, new)


def test_no_nodes_no_rotation() -> None:
    with pytest.raises(MeshError, match="needs nodes"):
        key_rotation((), OLD, NEW)
