"""Kernel settings and modules at run time. What the kernel refuses is skipped with its reason."""

from __future__ import annotations

import errno
import os
from typing import Any

from .accounts import plain_file
from .machine import Machine
from .refusals import Refusals
from .report import Change, Remark

REFUSING = (errno.EROFS, errno.EPERM, errno.EACCES, errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP)


def proc_path(key: str) -> str:
    """The file of a key: dots and slashes change places, so net.ipv4.conf.eth0/1.rp_filter names eth0.1."""
    return "/proc/sys/" + key.translate(str.maketrans("./", "/."))


def sysctl_file(part: str, sysctls: list[dict[str, Any]]) -> dict[str, Any]:
    """The file that sets them at boot. The leading ``-`` lets the kernel refuse a key without failing the rest."""
    lines = [f"-{sysctl['key']} = {sysctl['value']}\n" for sysctl in sysctls]
    return plain_file(f"/etc/sysctl.d/90-fleet-{part}.conf", "".join(lines))


class Sysctls:
    """Settings below /proc/sys."""

    kind = "sysctl"

    def __init__(self, machine: Machine, refusals: Refusals, skipped: list[Remark]) -> None:
        self._machine = machine
        self._refusals = refusals
        self._skipped = skipped

    def observe(self, desired: list[dict[str, Any]]) -> dict[str, str | None]:
        """Values by key; None where this kernel has no such key."""
        current: dict[str, str | None] = {}
        for sysctl in desired:
            try:
                with open(self._machine.at(proc_path(sysctl["key"])), encoding="utf-8") as file:
                    current[sysctl["key"]] = " ".join(file.read().split())
            except OSError:
                current[sysctl["key"]] = None
        return current

    def plan(self, desired: list[dict[str, Any]], current: dict[str, str | None]) -> list[Change]:
        changes = []
        for sysctl in desired:
            key, value, found = sysctl["key"], " ".join(sysctl["value"].split()), current[sysctl["key"]]
            if found == value:
                continue
            if (reason := self._refused(key, value, found)) is not None:
                self._skip(key, reason)
            else:
                changes.append(Change(self.kind, key, "update", f"{found} -> {value}", step=sysctl))
        return changes

    def _refused(self, key: str, value: str, found: str | None) -> str | None:
        if found is None:
            return "this kernel does not have it"
        if not os.access(self._machine.at(proc_path(key)), os.W_OK):
            return f"it cannot be changed here (is {found}, wanted {value})"
        return self._refusals.reason(self.kind, key, value)

    def apply(self, change: Change) -> bool:
        """Set it; False if the kernel refuses."""
        key, value = change.step["key"], " ".join(change.step["value"].split())
        try:
            # The write reaches the kernel when the file is closed; its refusal is raised there.
            with open(self._machine.at(proc_path(key)), "w", encoding="utf-8") as file:
                file.write(value + "\n")
        except OSError as error:
            if error.errno not in REFUSING:
                raise
            reason = f"the kernel refuses {value}: {error.strerror} ({change.diff})"
            self._refusals.remember(self.kind, key, value, reason)
            self._skip(key, reason)
            return False
        return True

    def retry_refused(self, desired: list[dict[str, Any]]) -> None:
        """Forget what was refused for these keys, so that it is tried once more."""
        for sysctl in desired:
            self._refusals.forget(self.kind, sysctl["key"], " ".join(sysctl["value"].split()))

    def _skip(self, key: str, reason: str) -> None:
        remark = Remark(self.kind, key, reason)
        if all(other.name != key or other.kind != self.kind for other in self._skipped):
            self._skipped.append(remark)


class Modules:
    """Loaded kernel modules."""

    kind = "module"

    def __init__(self, machine: Machine, refusals: Refusals, skipped: list[Remark]) -> None:
        self._machine = machine
        self._refusals = refusals
        self._skipped = skipped

    def observe(self, desired: list[dict[str, Any]]) -> set[str]:
        return {
            module["name"]
            for module in desired
            if os.path.isdir(self._machine.at(f"/sys/module/{module['name'].replace('-', '_')}"))
        }

    def plan(self, desired: list[dict[str, Any]], current: set[str]) -> list[Change]:
        changes = []
        for module in desired:
            name = module["name"]
            if name in current:
                continue
            if (reason := self._refusals.reason(self.kind, name, "loaded")) is not None:
                if all(other.name != name or other.kind != self.kind for other in self._skipped):
                    self._skipped.append(Remark(self.kind, name, reason))
            else:
                changes.append(Change(self.kind, name, "load", step=module))
        return changes

    def apply(self, change: Change) -> bool:
        """Load it; False if there is no such module, or it was built in and shows nowhere."""
        outcome = self._machine.run("modprobe", change.name)
        loaded = not outcome.status and bool(self.observe([change.step]))
        if not loaded:
            reason = outcome.text() if outcome.status else "built into the kernel"
            self._refusals.remember(self.kind, change.name, "loaded", reason)
            self._skipped.append(Remark(self.kind, change.name, reason))
        return loaded

    def retry_refused(self, desired: list[dict[str, Any]]) -> None:
        for module in desired:
            self._refusals.forget(self.kind, module["name"], "loaded")
