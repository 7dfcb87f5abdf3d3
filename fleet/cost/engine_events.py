"""A preview as the engine tells it to a listener, event by event: the same plan that it prints for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fleet.cost.plan import Plan, plan_of

if TYPE_CHECKING:
    # Its SDK takes half a second to import.
    from pulumi.automation.events import EngineEvent, StepEventStateMetadata


def plan_of_events(stack: str, events: Iterable[EngineEvent]) -> Plan:
    """What one stack's preview would change.

    Args:
        events: of a preview that ended well; those of one that failed are half a plan.

    Raises:
        PreviewUnreadable: an event is of a shape that is not known.
    """
    entries: list[Any] = []
    config: Mapping[str, Any] = {}
    for event in events:
        if event.prelude_event is not None:
            config = event.prelude_event.config
        elif event.resource_pre_event is not None:
            step = event.resource_pre_event.metadata
            sides = {"oldState": step.old, "newState": step.new}
            states = {side: _state(state) for side, state in sides.items() if state is not None}
            entries.append({"op": step.op.value, "urn": step.urn, **states})
    return plan_of(stack, entries, config)


def _state(state: StepEventStateMetadata) -> Mapping[str, Any]:
    """Events leave out what is false; a preview for programs says it."""
    return {"custom": bool(state.custom), "inputs": state.inputs}
