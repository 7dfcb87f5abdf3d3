"""Bringing several stacks up: wave by wave, the stacks of one wave at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol

from fleet.operation.run import Progress, StackRun
from fleet.workspace import Workspace
from fleet.workspace.stop import forget_stop, request_stop


class Action(Protocol):
    """``up``, ``preview`` or ``refresh`` of ``fleet.operation.run``."""

    def __call__(self, workspace: Workspace, stack: str, progress: Progress) -> StackRun: ...


def run_waves(
    workspace: Workspace,
    ordered: tuple[tuple[str, ...], ...],
    action: Action,
    progress: Progress,
    finished: Callable[[StackRun], None] = lambda run: None,
) -> tuple[StackRun, ...]:
    """Run an action over stacks in waves; a wave with a failure is the last one that runs.

    Returns the runs that took place, in order of completion; what never started is not in it.
    """
    # A process of the same number may have been killed after it was interrupted.
    forget_stop(workspace.root)
    runs: list[StackRun] = []
    try:
        for wave in ordered:
            for run in _wave(workspace, wave, action, progress):
                runs.append(run)
                finished(run)
            if not all(run.ok for run in runs):
                break
    finally:
        forget_stop(workspace.root)
    return tuple(runs)


def _wave(workspace: Workspace, wave: tuple[str, ...], action: Action, progress: Progress) -> Iterator[StackRun]:
    with ThreadPoolExecutor(max_workers=len(wave)) as pool:
        started = [pool.submit(action, workspace, stack, progress) for stack in wave]
        try:
            for future in as_completed(started):
                yield future.result()
        except BaseException:
            # Ctrl-C: the engines got it too and end what they began; what they wait for is told to end soon.
            request_stop(workspace.root)
            progress("fleet", "interrupted: waiting for what is under way to end")
            raise
