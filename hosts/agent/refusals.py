"""What this kernel refused before, remembered so that a dry run does not announce it as a change again."""

from __future__ import annotations

from .machine import Machine

DOCUMENT = "refusals.json"


class Refusals:
    """Remembered per boot: another kernel may allow it. Apply always tries again."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        stored = machine.load(DOCUMENT)
        self._boot = machine.boot_id()
        self._reasons: dict[str, str] = dict(stored.get("reasons", {})) if stored.get("boot") == self._boot else {}

    def reason(self, kind: str, name: str, wanted: str) -> str | None:
        return self._reasons.get(f"{kind} {name} {wanted}")

    def remember(self, kind: str, name: str, wanted: str, reason: str) -> None:
        self._reasons[f"{kind} {name} {wanted}"] = reason
        self._store()

    def forget(self, kind: str, name: str, wanted: str) -> None:
        if self._reasons.pop(f"{kind} {name} {wanted}", None) is not None:
            self._store()

    def _store(self) -> None:
        self._machine.store(DOCUMENT, {"boot": self._boot, "reasons": self._reasons})
