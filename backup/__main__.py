"""``python -m backup send|restore`` on the hub, ``store`` on the host that keeps the copies; each with its settings."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backup.database import HubDatabase
from backup.problem import CopyProblem
from backup.restore import restore
from backup.send import send
from backup.settings import Settings, read_settings
from backup.store import Store

USAGE = "usage: python -m backup send SETTINGS | restore SETTINGS NAME | store SETTINGS put NAME | get NAME | list"
SENT, RESTORED = "sent.json", "restored.json"
"""In the folder of results: what came of the last run, or its error."""


def main(arguments: list[str]) -> int:
    """Exit code 0 done, 1 not done, with the reason as the last line; 2 wrong usage."""
    try:
        match arguments:
            case ["send", file]:
                settings = read_settings(Path(file))
                _recorded(settings, SENT, lambda: send(settings, HubDatabase(settings)))
            case ["restore", file, name]:
                settings = read_settings(Path(file))
                _recorded(settings, RESTORED, lambda: restore(settings, HubDatabase(settings), name))
            case ["store", file, *words]:
                # Over ssh the command is fixed, and what was asked for comes beside it.
                return _store(Path(file), words or shlex.split(os.environ.get("SSH_ORIGINAL_COMMAND", "")))
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (CopyProblem, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _recorded(settings: Settings, name: str, run: Callable[[], dict[str, Any]]) -> None:
    folder = Path(settings.results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    try:
        outcome = run()
    except (CopyProblem, OSError) as problem:
        (folder / name).write_text(json.dumps({"error": str(problem)}), encoding="utf-8")
        raise
    (folder / name).write_text(json.dumps(outcome), encoding="utf-8")
    print(json.dumps(outcome))


def _store(file: Path, words: list[str]) -> int:
    document = json.loads(file.read_text(encoding="utf-8"))
    store = Store(Path(document["folder"]), document["keep"], document["every_seconds"])
    match words:
        case ["put", name]:
            print(json.dumps(store.put(name, sys.stdin.buffer)))
        case ["get", name]:
            store.get(name, sys.stdout.buffer)
        case ["list"]:
            print(json.dumps(store.copies()))
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
