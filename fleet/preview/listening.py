"""Previews of several stacks, and what the engine told of each while it ran."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pulumi.automation.events import EngineEvent

from fleet.cost.engine_events import plan_of_events
from fleet.cost.plan import Plan
from fleet.operation.run import Progress, StackRun, preview
from fleet.workspace import Workspace


@dataclass(frozen=True)
class Listening:
    """A preview to be run over stacks (``fleet.operation.fleet_up.Action``) that keeps the engine's events."""

    events: dict[str, list[EngineEvent]] = field(default_factory=dict)

    def __call__(self, workspace: Workspace, stack: str, progress: Progress) -> StackRun:
        """Preview one stack."""
        told = self.events[stack] = []
        return preview(workspace, stack, progress, told.append)

    def plans(self, runs: Iterable[StackRun]) -> tuple[Plan, ...]:
        """What each preview that ended well would change.

        Raises:
            fleet.cost.plan.PreviewUnreadable: an event is of a shape that is not known.
        """
        return tuple(plan_of_events(run.stack, self.events[run.stack]) for run in runs if run.ok)
