"""``python -m keeper``: ``run``, ``health``, ``gate [SECONDS]`` for the host; ``look``, ``do``, ``move`` for operators.

The last three read one JSON document from standard input and write one to standard output:

- ``look``: a list of endpoints; a list of views, and the keeper's last report.
- ``do``: a list of ``{"at": endpoint, "words": [...]}``, in order; what each replied. It stops at the first refusal.
- ``move``: ``{"source", "target", "slots"}``; ``{"keys": how many went along}``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .check import ask, gate, health
from .loop import Instances, Keeper
from .move import MoveFailed, move
from .resp import Refused
from .serve import serve
from .settings import Settings, read

SETTINGS = "/etc/keeper/keeper.json"
GATE_PATIENCE_SECONDS = 60.0
ORDER_TIMEOUT_SECONDS = 60.0
"""Of an answer to what an operator asks for: above the longest that Redis itself takes for a command (``MIGRATE``)."""


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status."""
    settings = read(Path(os.environ.get("KEEPER_SETTINGS", SETTINGS)))
    command = argv[0] if argv else "run"
    if command == "run":
        return _run(settings)
    if command in ("health", "gate"):
        status, text = (
            health(settings)
            if command == "health"
            else gate(settings, float(argv[1] if argv[1:] else GATE_PATIENCE_SECONDS))
        )
        print(text)
        return status
    operations: dict[str, Callable[[Settings, Any], dict[str, Any]]] = {"look": _look, "do": _do, "move": _move}
    if command not in operations:
        print(f"no command {command!r}; there are run, health, gate, {', '.join(operations)}", file=sys.stderr)
        return 2
    try:
        answer = operations[command](settings, json.load(sys.stdin))
    except (OSError, Refused, MoveFailed) as problem:
        answer = {"error": str(problem)}
    json.dump(answer, sys.stdout)
    return 0


def _run(settings: Settings) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keeper = Keeper(settings)
    serve(keeper)
    keeper.run(stop)
    return 0


def _look(settings: Settings, endpoints: list[str]) -> dict[str, Any]:
    instances = Instances(settings)
    views = instances.look(tuple(endpoints))
    instances.close()
    return {"views": [view.to_document() for view in views.values()], "report": ask(settings)}


def _do(settings: Settings, commands: list[dict[str, Any]]) -> dict[str, Any]:
    instances = _patient(settings)
    replies = [instances.client(command["at"]).call(*command["words"]) for command in commands]
    instances.close()
    return {"replies": replies}


def _move(settings: Settings, order: dict[str, Any]) -> dict[str, Any]:
    instances = _patient(settings)
    keys = move(settings, instances.client(order["source"]), instances.client(order["target"]), order["slots"])
    instances.close()
    return {"keys": keys}


def _patient(settings: Settings) -> Instances:
    return Instances(replace(settings, timeout_seconds=ORDER_TIMEOUT_SECONDS))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
