"""The outputs of a stack of the fleet as another run left them.

Asked for by an invocation, not by a ``StackReference``: that is a resource, and the engine takes those one after the
other, so that it would wait for whatever provider starts before it. Needs nothing but the SDK, so that the engine can
be asked before the rest of a program is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi

READ_ATTEMPTS, READ_WAIT_SECONDS = 100, 0.05
"""The engine writes a state in a moment; five seconds are ample for one that is being written just now."""


async def read_outputs(stack: str) -> Mapping[str, Any]:
    """Every output of a stack of this project, by name; a stack never brought up has none.

    Raises:
        pulumi.RunError: its state cannot be read.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    for _ in range(READ_ATTEMPTS):
        try:
            answer = await pulumi.runtime.invoke_async("pulumi:pulumi:readStackOutputs", {"name": name})
        except Exception as unreadable:  # noqa: BLE001 - the SDK raises nothing more exact
            if "unknown stack" in str(unreadable):
                return {}
            # The engine is writing this very state right now, and a file is empty for a moment (measured).
            if "checkpoint" not in str(unreadable):
                raise pulumi.RunError(f"the outputs of stack {stack} cannot be read: {unreadable}") from None
            await asyncio.sleep(READ_WAIT_SECONDS)
            continue
        outputs: Mapping[str, Any] = answer["outputs"]
        return outputs
    raise pulumi.RunError(f"the outputs of stack {stack} cannot be read: its state is being written all the time")
