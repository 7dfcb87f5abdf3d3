"""Faults that a lab is told to have: kept with the clouds' state, used up one call at a time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lab.cloud.store import CloudState, CloudStore

Operation = Literal["create", "read", "update", "delete"]
KINDS = ("capacity", "http", "lost_reply", "held_reply")
OPERATIONS = ("create", "read", "update", "delete")
STATUSES = (429, 500)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``capacity``: the provider has no room for a server. ``http``: it answers ``status`` (429 is repeated by the
    provider's SDK, 500 is not). ``lost_reply``: it does what was asked, and the answer never arrives. ``held_reply``:
    it does what was asked, and the answer waits until the fault is repaired; every call that it concerns waits.
    ``type`` is a resource type token or its last part (``Instance``); None means every type. ``times``: API calls.
    """

    kind: str
    provider: str
    operation: str = "create"
    type: str | None = None
    status: int | None = None
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault '{self.kind}'; one of {', '.join(KINDS)}")
        if self.operation not in OPERATIONS:
            raise ValueError(f"unknown operation '{self.operation}'; one of {', '.join(OPERATIONS)}")
        if (self.kind == "http") != (self.status is not None):
            raise ValueError("a status belongs to an http fault, and only to it")
        if self.status is not None and self.status not in STATUSES:
            raise ValueError(f"status {self.status}: one of {', '.join(map(str, STATUSES))}")
        if self.times < 1:
            raise ValueError(f"times {self.times}: at least 1")

    def concerns(self, provider: str, operation: str, token: str) -> bool:
        """True if this fault hits such a call."""
        return (
            self.provider == provider
            and self.operation == operation
            and self.type in (None, token, token.rpartition(":")[2])
        )


def add_fault(home: Path, fault: Fault) -> None:
    """Let ``fault`` happen to the next calls that it concerns."""
    with CloudStore(home).transaction() as state:
        state.faults.append(asdict(fault))


def list_faults(home: Path) -> tuple[Fault, ...]:
    """The faults that are not used up yet."""
    return tuple(Fault(**entry) for entry in CloudStore(home).snapshot().faults)


def clear_faults(home: Path) -> None:
    """Forget every fault that is not used up yet."""
    with CloudStore(home).transaction() as state:
        state.faults.clear()


def is_held(state: CloudState, provider: str, operation: str, token: str) -> bool:
    """Whether the answer to this call is held back now."""
    held = (Fault(**entry) for entry in state.faults if entry["kind"] == "held_reply")
    return any(fault.concerns(provider, operation, token) for fault in held)


def take_fault(state: CloudState, kind: str, provider: str, operation: str, token: str) -> Fault | None:
    """The first fault of ``kind`` that concerns this call, counted down; None if there is none."""
    for index, entry in enumerate(state.faults):
        fault = Fault(**entry)
        if fault.kind == kind and fault.concerns(provider, operation, token):
            if fault.times == 1:
                del state.faults[index]
            else:
                state.faults[index] = asdict(fault) | {"times": fault.times - 1}
            return fault
    return None
