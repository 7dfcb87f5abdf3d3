"""One engine run of one stack, with the engine's own error text."""

from __future__ import annotations

import contextlib
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import automation
from pulumi.automation.events import EngineEvent

from fleet.operation.locks import locks_of
from fleet.workspace import Workspace
from fleet.workspace.engine_path import put_engine_on_path
from fleet.workspace.salt import share_salt

Progress = Callable[[str, str], None]
"""Called with (stack, line) whenever there is something to tell."""

Hear = Callable[[EngineEvent], None]
"""Called with every event of the engine, as it comes."""

# What the SDK says of the event stream of an engine that was killed: the run's own result tells it.
warnings.filterwarnings("ignore", message="Error in event stream", category=UserWarning)

_UNCHANGED = frozenset({"same", "read", "refresh"})


@dataclass(frozen=True)
class StackRun:
    """What came of one run of one stack."""

    stack: str
    changes: Mapping[str, int]
    """Resources by operation ("create", "update", ...), without those that stayed the same."""
    errors: tuple[str, ...]
    """The engine's own messages; empty when the run succeeded."""
    warnings: tuple[str, ...]
    outputs: Mapping[str, Any]
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def changed(self) -> int:
        return sum(self.changes.values())


def up(workspace: Workspace, stack: str, progress: Progress) -> StackRun:
    """Bring one stack up (creating it in the backend if it is new)."""
    return _run(workspace, stack, progress, "up")


def up_alone(workspace: Workspace, stack: str, resource: str, progress: Progress) -> StackRun:
    """Bring one resource of a stack up and leave every other one as it is.

    Args:
        resource: the end of its URN, as ``BundleRelease::nj-trading``.
    """
    return _run(workspace, stack, progress, "up", target=[f"**{resource}"])


def _unheard(_: EngineEvent) -> None:
    """What a run tells is enough."""


def preview(workspace: Workspace, stack: str, progress: Progress, hear: Hear = _unheard) -> StackRun:
    """What ``up`` would change."""
    return _run(workspace, stack, progress, "preview", hear)


def refresh(workspace: Workspace, stack: str, progress: Progress) -> StackRun:
    """Read every resource of a stack again: what changed behind our back."""
    return _run(workspace, stack, progress, "refresh")


def destroy(workspace: Workspace, stack: str, progress: Progress) -> StackRun:
    """Delete what a stack declares. Protected resources make it fail before anything is deleted."""
    return _run(workspace, stack, progress, "destroy")


def outputs(workspace: Workspace, stack: str) -> Mapping[str, Any] | None:
    """What a stack exports, None if the backend has no such stack."""
    try:
        found = selected(workspace, stack)
    except automation.StackNotFoundError:
        return None
    return {name: value.value for name, value in found.outputs().items()}


def selected(workspace: Workspace, stack: str) -> automation.Stack:
    """A stack that the backend has.

    Raises:
        automation.StackNotFoundError: it has no such stack.
    """
    return automation.select_stack(stack, work_dir=str(workspace.root), opts=_options(workspace))


class _Listener:
    """Collects from engine events what a StackRun tells."""

    def __init__(self, stack: str, progress: Progress, hear: Hear) -> None:
        self.stack, self.progress, self.hear = stack, progress, hear
        self.changes: dict[str, int] = {}
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def __call__(self, event: EngineEvent) -> None:
        self.hear(event)
        if (diagnostic := event.diagnostic_event) is not None:
            text = (diagnostic.message or "").strip()
            if diagnostic.severity == "error" and text and text not in self.errors:
                self.errors.append(_named(diagnostic.urn, text))
            elif diagnostic.severity in ("warning", "info#err") and text:
                self.warnings.append(text)
                self.progress(self.stack, text)
            elif diagnostic.severity == "info" and text:
                self.progress(self.stack, text)
        elif (before := event.resource_pre_event) is not None:
            operation = before.metadata.op.value
            if operation not in _UNCHANGED and not before.planning:
                self.progress(self.stack, f"{operation} {_resource(before.metadata.urn)}")
        elif (summary := event.summary_event) is not None:
            self.changes = {
                str(getattr(kind, "value", kind)): count
                for kind, count in summary.resource_changes.items()
                if str(getattr(kind, "value", kind)) not in _UNCHANGED
            }


def _run(
    workspace: Workspace, stack: str, progress: Progress, action: str, hear: Hear = _unheard, **options: Any
) -> StackRun:
    listener = _Listener(stack, progress, hear)
    started = time.monotonic()
    exported: Mapping[str, Any] = {}
    with _failure_text(workspace, listener):
        share_salt(workspace.root, stack)
        chosen = automation.create_or_select_stack(stack, work_dir=str(workspace.root), opts=_options(workspace))
        getattr(chosen, action)(on_event=listener, color="never", **options)
        # The engine's exit status decides. It prints an error after a run that succeeded, for instance when a plugin
        # that it is done with ends before it is told to.
        listener.warnings += listener.errors
        listener.errors.clear()
        if action == "up":
            exported = {name: value.value for name, value in chosen.outputs().items()}
    return StackRun(
        stack=stack,
        changes=listener.changes,
        errors=_told(listener.errors),
        warnings=tuple(listener.warnings),
        outputs=exported,
        seconds=time.monotonic() - started,
    )


ECHOES = ("an unhandled error occurred: program exited with non-zero exit code", "update failed", "preview failed")
"""What the engine adds after an error that it, or the program, has told already."""


def _told(errors: list[str]) -> tuple[str, ...]:
    return tuple(error for error in errors if not error.startswith(ECHOES)) or tuple(errors)


_ENDED_BY_SIGNAL = re.compile(r"^ code: -(\d+)$", re.MULTILINE)
"""The exit status of a process that a signal ended, in the text of the SDK's error."""


@contextlib.contextmanager
def _failure_text(workspace: Workspace, listener: _Listener) -> Iterator[None]:
    """Turn a failed command into the engine's own lines: its diagnostics, or the ``error:`` lines it printed."""
    try:
        yield
    except automation.ConcurrentUpdateError as failure:
        listener.errors[:] = _held(workspace, listener.stack) or _printed_errors(failure)
    except automation.CommandError as failure:
        if ended := _ENDED_BY_SIGNAL.search(str(failure)):
            # It had no time for a last word, and what it printed before is no error.
            killed = f"the engine was ended from outside, by signal {ended[1]}: what it was doing may be half done"
            listener.errors += [killed, *_held(workspace, listener.stack)]
        elif not listener.errors:
            listener.errors.extend(_printed_errors(failure))


def _held(workspace: Workspace, stack: str) -> list[str]:
    return [str(lock) for lock in locks_of(workspace, stack)]


def _printed_errors(failure: automation.CommandError) -> list[str]:
    printed = [line.strip().removeprefix("stderr: ") for line in str(failure).splitlines()]
    told = [line.removeprefix("error: ") for line in printed if line.startswith("error: ")]
    return told or [line for line in printed if line][-3:]


def _options(workspace: Workspace) -> automation.LocalWorkspaceOptions:
    put_engine_on_path()
    return automation.LocalWorkspaceOptions(env_vars=dict(workspace.engine_environment()))


def _named(urn: str | None, text: str) -> str:
    return f"{_resource(urn)}: {text}" if urn and not urn.endswith("::pulumi:pulumi:Stack") else text


def _resource(urn: str | None) -> str:
    """``vultr:index/instance:Instance nj`` out of a resource's URN."""
    if not urn:
        return ""
    parts = urn.split("::")
    return f"{parts[-2].rsplit('$', 1)[-1]} {parts[-1]}"
