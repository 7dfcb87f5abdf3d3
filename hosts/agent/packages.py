"""Debian packages, and units that must not start just because they were installed."""

from __future__ import annotations

import time
from typing import Any

from .machine import Machine, Outcome
from .report import Change, Remark, StageFailed
from .units import Units

LOCK_SECONDS = 300.0
"""How long to wait for another apt: cloud-init and unattended-upgrades hold the locks on a fresh host."""
INSTALL_SECONDS = 1800.0
POLL_SECONDS = 1.0

OPTIONS = (
    "-q",
    "-y",
    "-o",
    f"DPkg::Lock::Timeout={LOCK_SECONDS:.0f}",
    # A configuration file that is already ours stays as it is, without a question.
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
)


class Packages:
    """Installed or not; versions are the archive's business."""

    kind = "package"

    def __init__(self, machine: Machine, units: Units) -> None:
        self._machine = machine
        self._units = units

    def observe(self, desired: dict[str, Any]) -> set[str]:
        names = [package["name"] for package in desired["packages"]]
        if not names:
            return set()
        outcome = self._machine.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n", *names)
        if outcome.status == 127:
            raise StageFailed(Remark(self.kind, names[0], "dpkg-query: this host is not a Debian system"))
        return installed(outcome.out)

    def plan(self, desired: dict[str, Any], current: set[str]) -> list[Change]:
        return [
            Change(self.kind, package["name"], "install", step=desired)
            for package in desired["packages"]
            if package["name"] not in current
        ]

    def apply_all(self, changes: list[Change]) -> None:
        """Install everything in one go: apt's own start costs more than a package."""
        if not changes:
            return
        names = [change.name for change in changes]
        self._units.mask_missing(changes[0].step["mask_before_install"])
        update = self._update()
        self._done(names, update, "")
        outcome = self._install(names)
        if outcome.status and "dpkg --configure -a" in outcome.err:
            # An earlier installation was interrupted; this is what apt asks for.
            self._machine.run(
                "dpkg", "--configure", "-a", "--force-confdef", "--force-confold", seconds=INSTALL_SECONDS
            )
            outcome = self._install(names)
        # A list that could not be fetched is only a warning of the update, yet the reason why a package is unknown.
        warnings = [line for line in update.err.splitlines() if line.startswith("W:")]
        self._done(names, outcome, "\n".join(warnings[:3]))

    def _install(self, names: list[str]) -> Outcome:
        return self._machine.run(
            "apt-get", *OPTIONS, "install", "--no-install-recommends", *names, seconds=INSTALL_SECONDS
        )

    def _update(self) -> Outcome:
        # The lock of the lists has no timeout option, unlike that of dpkg.
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            outcome = self._machine.run("apt-get", *OPTIONS, "update")
            if not outcome.status or "Could not get lock" not in outcome.err or time.monotonic() > deadline:
                return outcome
            time.sleep(POLL_SECONDS)

    def _done(self, names: list[str], outcome: Outcome, warnings: str) -> None:
        if outcome.status:
            errors = [line for line in outcome.err.splitlines() if line.startswith(("E:", "dpkg: error"))]
            said = "\n".join(errors[:5]) or outcome.text()
            raise StageFailed(Remark(self.kind, " ".join(names), f"apt-get: {said}\n{warnings}".rstrip()))


def installed(listing: str) -> set[str]:
    """Package names that dpkg-query calls installed."""
    rows = (line.split() for line in listing.splitlines())
    return {row[0] for row in rows if len(row) == 2 and row[1] == "installed"}
