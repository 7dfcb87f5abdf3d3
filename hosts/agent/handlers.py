"""Commands that follow changes, once each and in their order."""

from __future__ import annotations

from typing import Any

from .machine import Machine
from .report import Change, Remark, StageFailed
from .units import Units

PENDING = "pending-handlers.json"
RESTARTS = frozenset({"restart", "try-restart", "reload", "reload-or-restart", "try-reload-or-restart"})


class Handlers:
    """Which handlers are due, and running them.

    A handler becomes due before its file is replaced and stays due, on disk, until it succeeded: an interrupted run
    leaves no service with an old configuration behind.
    """

    kind = "handler"

    def __init__(self, machine: Machine, units: Units) -> None:
        self._machine = machine
        self._units = units

    def observe(self, desired: list[dict[str, Any]]) -> dict[str, str]:
        """Handlers that are due without any change of this run, with the reason."""
        pending = self._machine.load(PENDING)
        due = {handler["name"]: "left by an interrupted run" for handler in desired if handler["name"] in pending}
        for handler in desired:
            if handler["check"] and handler["name"] not in due:
                outcome = self._machine.run(*handler["check"])
                if outcome.status:
                    due[handler["name"]] = f"not in force: {outcome.text()}"
        return due

    def plan(self, desired: list[dict[str, Any]], due: dict[str, str], causes: list[Change]) -> list[Change]:
        """The handlers to run: those due, and those notified by the changes in ``causes``."""
        reasons = dict(due)
        for change in causes:
            for name in change.notifies:
                reasons.setdefault(name, f"{change.name} changed")
        ordered = sorted(desired, key=lambda handler: (handler["order"], handler["name"]))
        return [
            Change(self.kind, handler["name"], "run", reasons[handler["name"]], handler)
            for handler in ordered
            if handler["name"] in reasons
        ]

    def remember(self, changes: list[Change]) -> None:
        """Note what these changes make due, before they are made."""
        pending = self._machine.load(PENDING)
        pending.update({name: change.name for change in changes for name in change.notifies})
        if pending:
            self._machine.store(PENDING, pending)

    def done(self, name: str) -> None:
        """Note that a handler's effect is in force."""
        pending = self._machine.load(PENDING)
        if pending.pop(name, None) is not None:
            self._machine.store(PENDING, pending)

    def apply(self, change: Change) -> bool:
        """Run it; False if it was needless, its unit having been started by this very run."""
        argv = change.step["argv"]
        needless = argv[0] == "systemctl" and len(argv) == 3 and argv[1] in RESTARTS and argv[2] in self._units.started
        if not needless:
            outcome = self._machine.run(*argv)
            if outcome.status:
                raise StageFailed(Remark(self.kind, change.name, f"{' '.join(argv)}: {outcome.text()}"))
        self.done(change.name)
        return not needless
