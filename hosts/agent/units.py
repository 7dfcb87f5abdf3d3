"""systemd units: enabled, active, masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .machine import Machine
from .report import Change, Remark, StageFailed

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,Result"

WITHOUT_INSTALL = frozenset({"static", "alias", "indirect", "generated", "transient"})
"""States of unit files that cannot be enabled and need not be."""


@dataclass(frozen=True)
class UnitFacts:
    """What systemd says about a unit."""

    load: str
    active: str
    file: str
    result: str

    @property
    def masked(self) -> bool:
        return self.load == "masked" or self.file.startswith("masked")

    @property
    def running(self) -> bool:
        return self.active in ("active", "activating", "reloading", "refreshing")


def parse_show(output: str) -> list[UnitFacts]:
    """The blocks of ``systemctl show``, in the order asked for."""
    facts = []
    for block in output.strip("\n").split("\n\n"):
        values = dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        if values:
            facts.append(
                UnitFacts(
                    load=values.get("LoadState", ""),
                    active=values.get("ActiveState", ""),
                    file=values.get("UnitFileState", ""),
                    result=values.get("Result", ""),
                )
            )
    return facts


class Units:
    """Units as a kind. ``started`` collects those that this run started: they have read their new files."""

    kind = "unit"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.started: set[str] = set()

    def observe(self, desired: list[dict[str, Any]]) -> dict[str, UnitFacts]:
        return self._show([unit["name"] for unit in desired])

    def _show(self, names: list[str]) -> dict[str, UnitFacts]:
        if not names:
            return {}
        outcome = self._machine.run("systemctl", "show", f"--property={PROPERTIES}", "--", *names)
        facts = parse_show(outcome.out)
        if outcome.status or len(facts) != len(names):
            raise StageFailed(Remark(self.kind, names[0], f"systemctl show: {outcome.text()}"))
        return dict(zip(names, facts, strict=True))

    def plan(self, desired: list[dict[str, Any]], current: dict[str, UnitFacts]) -> list[Change]:
        changes = []
        for unit in desired:
            name, facts = unit["name"], current[unit["name"]]
            if unit["masked"]:
                if not facts.masked:
                    changes.append(Change(self.kind, name, "mask"))
                elif facts.running:
                    changes.append(Change(self.kind, name, "stop", facts.active))
                continue
            if facts.masked:
                changes.append(Change(self.kind, name, "unmask"))
            if self._misses_enabling(unit["enabled"], facts):
                changes.append(Change(self.kind, name, "enable" if unit["enabled"] else "disable", facts.file))
            if unit["active"] is True and not facts.running:
                changes.append(Change(self.kind, name, "start", facts.active))
            elif unit["active"] is False and facts.running:
                changes.append(Change(self.kind, name, "stop", facts.active))
        return [change for change in changes if not self._gone(change, current)]

    @staticmethod
    def _misses_enabling(wanted: bool | None, facts: UnitFacts) -> bool:
        """A unit that cannot be enabled satisfies both wishes."""
        return wanted is not None and facts.file not in WITHOUT_INSTALL and wanted != (facts.file == "enabled")

    def _gone(self, change: Change, current: dict[str, UnitFacts]) -> bool:
        """A unit that does not exist needs no stopping and disabling."""
        return change.action in ("stop", "disable") and current[change.name].load == "not-found"

    def apply_all(self, changes: list[Change]) -> None:
        """Each verb once, for all its units: systemd starts them in parallel and knows their order."""
        for verb in ("mask", "unmask", "stop", "disable", "enable", "start"):
            names = [change.name for change in changes if change.action == verb]
            if not names:
                continue
            command = ("mask", "--now") if verb == "mask" else (verb,)
            outcome = self._machine.run("systemctl", *command, "--", *names)
            if outcome.status:
                raise StageFailed(*self._refusals(verb, names, outcome.text()))
            if verb == "start":
                self.started.update(names)

    def _refusals(self, verb: str, names: list[str], said: str) -> list[Remark]:
        facts = self._show(names)
        suspects = [name for name in names if verb == "start" and not facts[name].running] or names
        return [
            Remark(
                self.kind,
                name,
                f"systemctl {verb}: {said}\n(load: {facts[name].load}, active: {facts[name].active}, "
                f"result: {facts[name].result}; see `journalctl -u {name}` on the host)",
            )
            for name in suspects
        ]

    def mask_missing(self, names: list[str]) -> None:
        """Mask those units that the host does not have yet, before a package brings them."""
        if missing := [name for name, facts in self._show(names).items() if facts.load == "not-found"]:
            outcome = self._machine.run("systemctl", "mask", "--", *missing)
            if outcome.status:
                raise StageFailed(Remark(self.kind, " ".join(missing), f"systemctl mask: {outcome.text()}"))
