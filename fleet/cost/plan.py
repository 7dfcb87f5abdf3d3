"""What ``pulumi preview --json`` says, as steps with their inputs before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LOOKED_UP = frozenset({"read", "read-replacement", "read-discard", "refresh"})
"""Operations on what somebody else owns, or that change nothing."""

HALVES = frozenset({"create-replacement", "delete-replaced"})
"""Both halves of a replacement; the engine lists the whole of it as one ``replace`` as well."""


class PreviewUnreadable(Exception):
    """A text is no preview of the engine, or the preview failed. The message is complete."""

    exit_code = 2


@dataclass(frozen=True)
class Step:
    """One resource and what would happen to it."""

    op: str
    """``create``, ``update``, ``replace``, ``delete``, ``same``, ``import`` ..."""
    stack: str
    type: str
    name: str
    old: Mapping[str, Any] | None
    """Its inputs as they stand; None where there is nothing."""
    new: Mapping[str, Any] | None
    """Its inputs as they would be; None where there would be nothing."""
    custom: bool
    """Whether a provider knows it; components and stacks are none."""


@dataclass(frozen=True)
class Plan:
    """One stack's preview."""

    stack: str
    steps: tuple[Step, ...]
    config: Mapping[str, Any]


def read_plan(text: str, origin: str) -> Plan:
    """Read a preview.

    Args:
        origin: what the text is, for messages.

    Raises:
        PreviewUnreadable: it is cut short, something else, a failed preview, or of more than one stack.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise PreviewUnreadable(f"{origin}: is no JSON, or cut short. It is made by: {HOW}") from None
    if not isinstance(document, dict) or not isinstance(document.get("steps", []), list):
        raise PreviewUnreadable(f"{origin}: is no preview of the engine. It is made by: {HOW}")
    if failed := _errors(document.get("diagnostics")):
        raise PreviewUnreadable(f"{origin}: the preview failed: {'; '.join(failed)}")
    if "steps" not in document:
        raise PreviewUnreadable(f"{origin}: has no steps. It is made by: {HOW}")
    steps = tuple(_steps(document["steps"], origin))
    if (staying := _unlisted(document)) > 0:
        raise PreviewUnreadable(
            f"{origin}: leaves out the {staying} resources that stay as they are, so what the fleet would cost is not "
            f"known. It is made by: {HOW}"
        )
    stacks = sorted({step.stack for step in steps})
    if len(stacks) != 1:
        raise PreviewUnreadable(f"{origin}: is of {len(stacks)} stacks ({', '.join(stacks) or 'none'}), not of one")
    config = document.get("config")
    return Plan(stacks[0], steps, config if isinstance(config, dict) else {})


ECHOES = ("an unhandled error occurred: program exited with non-zero exit code", "preview failed")
"""What the engine adds after an error that the program has told already."""

HOW = "pulumi preview --json --show-sames"


def plan_of(stack: str, entries: list[Any], config: Mapping[str, Any]) -> Plan:
    """A stack's plan from its steps, of the shape that ``pulumi preview --json`` lists.

    Raises:
        PreviewUnreadable: one of them is no step.
    """
    return Plan(stack, tuple(_steps(entries, f"stack {stack}")), config)


def _unlisted(document: Mapping[str, Any]) -> int:
    """How many resources the engine counted as the same and listed none of: it does so unless it is told otherwise."""
    summary = document.get("changeSummary")
    counted = summary.get("same", 0) if isinstance(summary, dict) else 0
    listed = any(isinstance(entry, dict) and entry.get("op") == "same" for entry in document["steps"])
    return counted if isinstance(counted, int) and not listed else 0


def _errors(diagnostics: object) -> list[str]:
    said = [
        str(entry.get("message", "")).strip().removeprefix("error: ")
        for entry in (diagnostics if isinstance(diagnostics, list) else ())
        if isinstance(entry, dict) and entry.get("severity") == "error"
    ]
    return [text for text in said if not text.startswith(ECHOES)] or said


def _steps(entries: list[Any], origin: str) -> Iterator[Step]:
    replaced = {entry.get("urn") for entry in entries if isinstance(entry, dict) and entry.get("op") == "replace"}
    for number, entry in enumerate(entries):
        step = _step(entry)
        if step is None:
            raise PreviewUnreadable(f"{origin}: its step {number} is none. It is made by: {HOW}")
        if step.op not in LOOKED_UP and not (step.op in HALVES and entry["urn"] in replaced):
            yield step


def _step(entry: object) -> Step | None:
    """A step of the shape that the engine writes, None for anything else."""
    if not isinstance(entry, dict) or not isinstance(entry.get("op"), str) or not isinstance(entry.get("urn"), str):
        return None
    parts = entry["urn"].split("::", 3)
    if len(parts) != 4 or not parts[0].startswith("urn:pulumi:"):
        return None
    op = entry["op"]
    old, new = _inputs(entry.get("oldState")), _inputs(entry.get("newState"))
    state = entry.get("newState") or entry.get("oldState") or {}
    if op == "same":
        old = old if old is not None else new
    return Step(
        op=op,
        stack=parts[0].removeprefix("urn:pulumi:"),
        type=parts[2].rpartition("$")[2],
        name=parts[3],
        old=None if op in ("create", "create-replacement", "import") else old,
        new=None if op in ("delete", "delete-replaced") else new,
        custom=bool(state.get("custom", True)) if isinstance(state, dict) else True,
    )


def _inputs(state: object) -> Mapping[str, Any] | None:
    if not isinstance(state, dict):
        return None
    inputs = state.get("inputs")
    return inputs if isinstance(inputs, dict) else {}
