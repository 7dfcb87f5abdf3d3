"""The states of every stack in the backend, exported by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pulumi import automation

from fleet.orphans.comparison import Interrupted, Known, StackState
from fleet.orphans.engine_words import engine_words
from fleet.workspace import Workspace
from fleet.workspace.engine_path import put_engine_on_path
from fleet.workspace.salt import share_salt

AT_ONCE = 4
"""Exports that run at the same time: each is a process of the engine, some 0.3 s of one core."""


class StateUnreadable(Exception):
    """A stack's state cannot be read. What it holds is then unknown, so nothing can be called an orphan."""


def read_states(workspace: Workspace) -> tuple[StackState, ...]:
    """Every stack of this project in the backend, also one that the configuration has no more.

    Raises:
        StateUnreadable: names the stack, with the engine's own words.
        EngineError: there is no engine.
    """
    put_engine_on_path()
    engine = automation.LocalWorkspace(work_dir=str(workspace.root), env_vars=dict(workspace.engine_environment()))
    try:
        names = [summary.name for summary in engine.list_stacks()]
    except automation.CommandError as failure:
        raise StateUnreadable(f"the stacks in {workspace.backend} cannot be listed: {engine_words(failure)}") from None

    def export(name: str) -> StackState:
        try:
            deployment = engine.export_stack(name).deployment
        except automation.CommandError as failure:
            raise StateUnreadable(f"the state of stack {name} cannot be read: {engine_words(failure)}") from None
        return parse_state(name, deployment or {})

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return tuple(pool.map(export, names))


def new_stack(workspace: Workspace, name: str) -> automation.Stack:
    """A stack that the backend did not have, empty.

    Raises:
        automation.CommandError: the backend has it after all, or cannot be written to.
    """
    put_engine_on_path()
    share_salt(workspace.root, name)
    options = automation.LocalWorkspaceOptions(env_vars=dict(workspace.engine_environment()))
    return automation.create_stack(name, work_dir=str(workspace.root), opts=options)


def parse_state(stack: str, deployment: Mapping[str, Any]) -> StackState:
    """A stack's exported deployment. What a program only looks up (``external``) is not the stack's own."""
    resources = tuple(
        Known(
            stack=stack,
            urn=resource["urn"],
            type=resource["type"],
            id=resource.get("id", ""),
            region=_region(resource),
        )
        for resource in deployment.get("resources") or ()
        if not resource.get("external")
    )
    interrupted = tuple(
        Interrupted(
            stack=stack,
            urn=operation["resource"]["urn"],
            type=operation["resource"]["type"],
            operation=operation["type"],
        )
        for operation in deployment.get("pending_operations") or ()
    )
    return StackState(stack, resources, interrupted)


def _region(resource: Mapping[str, Any]) -> str:
    if not str(resource["type"]).startswith("aws:"):
        return ""
    region = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}.get("region")
    return region if isinstance(region, str) else ""
