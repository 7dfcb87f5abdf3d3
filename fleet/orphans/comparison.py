"""What is ours at the providers against what the stacks know: a pure comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.orphans.owned import Owned


@dataclass(frozen=True)
class Known:
    """A resource in a stack's state."""

    stack: str
    urn: str
    type: str
    id: str
    """Empty for a component."""
    region: str = ""
    """The AWS region that it states; empty elsewhere."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Interrupted:
    """An operation that a stack's last run began and did not see the end of."""

    stack: str
    urn: str
    type: str
    operation: str
    """The engine's word: creating, updating, deleting."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class StackState:
    """One stack as the backend keeps it."""

    stack: str
    resources: tuple[Known, ...]
    interrupted: tuple[Interrupted, ...] = ()


@dataclass(frozen=True)
class Orphan:
    """Something of ours that no stack knows of."""

    owned: Owned
    interrupted: Interrupted | None = None
    """The create that would explain it: a run was ended before it could note what came of it, or still goes on."""


def orphans(owned: Iterable[Owned], states: Iterable[StackState]) -> tuple[Orphan, ...]:
    """What is in no stack, in the order of ``owned``."""
    every = tuple(states)
    known = [resource for state in every for resource in state.resources]
    unfinished = [operation for state in every for operation in state.interrupted if operation.operation == "creating"]
    return tuple(Orphan(one, _explanation(one, unfinished)) for one in owned if not _managed(one, known))


def _managed(one: Owned, known: Iterable[Known]) -> bool:
    # Names at Lightsail are unique in their region only; ids elsewhere are unique everywhere.
    return any(
        (resource.type, resource.id) == (one.type, one.id) and resource.region in ("", one.location)
        for resource in known
    )


def _explanation(one: Owned, unfinished: Iterable[Interrupted]) -> Interrupted | None:
    alike = [operation for operation in unfinished if operation.type == one.type]
    return next((operation for operation in alike if one.host is None or operation.name == one.host), None)
