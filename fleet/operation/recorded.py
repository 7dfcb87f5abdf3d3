"""The releases of a stack's hosts as its state has them: what was brought up last, not what the files say now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi import automation

from fleet.operation.run import selected
from fleet.workspace import Workspace

_RELEASE = ":BundleRelease::"
"""In the URN of a bundle's resource."""

Recorded = Mapping[str, Any]
"""The inputs of a bundle's resource (``infra.release_adapter``)."""


def recorded_releases(workspace: Workspace, stack: str) -> tuple[Recorded, ...]:
    """The releases in a stack's state; none while it was never brought up."""
    try:
        return releases_in(selected(workspace, stack).export_stack().deployment)
    except automation.StackNotFoundError:
        return ()


def releases_in(deployment: Mapping[str, Any] | None) -> tuple[Recorded, ...]:
    """The releases in an exported state."""
    resources = (deployment or {}).get("resources", ())
    return tuple(entry.get("inputs", {}) for entry in resources if _RELEASE in entry["urn"])
