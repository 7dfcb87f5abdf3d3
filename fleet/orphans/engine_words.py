"""The engine's own sentence out of everything that a failed command printed."""

from __future__ import annotations

from pulumi import automation


def engine_words(failure: automation.CommandError) -> str:
    """Its error lines; where it has none, the last line."""
    lines = [line.strip().removeprefix("stderr:").strip() for line in str(failure).splitlines()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return "; ".join(told or [line for line in lines if line][-1:] or ["without a word"])
