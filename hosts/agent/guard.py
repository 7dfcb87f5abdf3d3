"""Dangerous changes: armed with a timer that takes them back, confirmed over a new connection.

Folders below /var/lib/fleet: ``armed/<handler>`` (in force, timer running), ``reverting/<handler>`` (being taken back),
``reverted/<handler>.json`` (taken back; stays until a run has told it). A change moves between them by rename, so it is
confirmed or reverted and never both.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import time
from typing import Any

from . import revert_program
from .machine import Machine
from .report import Change, Remark, StageFailed

POLL_SECONDS = 0.1
GRACE_SECONDS = 20.0
"""What a revert itself may take after its timer fired."""


class Guard:
    """Arms, confirms and settles dangerous changes."""

    def __init__(self, machine: Machine, revert_source: str) -> None:
        self._machine = machine
        self._source = revert_source

    def arm(self, handler: dict[str, Any], changes: list[Change], run: str) -> dict[str, Any]:
        """Save what stands at the changed paths and start the timer. Nothing is changed if this fails."""
        name, seconds = handler["name"], float(handler["revert"]["seconds"])
        building = os.path.join(self._machine.tmp, f"arming-{name}")
        shutil.rmtree(building, ignore_errors=True)
        os.mkdir(building, 0o700)
        entries = [self._save(building, number, change.name) for number, change in enumerate(changes)]
        first = all(entry["type"] == "absent" for entry in entries)
        undo = handler["revert"]["first_undo"] if first and handler["revert"]["first_undo"] else handler["argv"]
        plan = {
            "name": name,
            "run": run,
            "entries": entries,
            "commands": [undo],
            "path": self._machine.path,
            "fires_at": time.clock_gettime(time.CLOCK_BOOTTIME) + seconds,
        }
        for file_name, text in (("plan.json", json.dumps(plan)), ("program.py", self._source)):
            with open(os.path.join(building, file_name), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        folder = self._folder("armed", name)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(building, folder)
        self._stop_timer(name)
        outcome = self._machine.run(
            "systemd-run",
            f"--unit={timer_name(name)}",
            f"--on-active={seconds:g}",
            # Without it a timer may come up to a minute late.
            "--timer-property=AccuracySec=100ms",
            "--collect",
            "--quiet",
            sys.executable,
            "-I",
            os.path.join(folder, "program.py"),
        )
        if outcome.status:
            shutil.rmtree(folder, ignore_errors=True)
            raise StageFailed(
                Remark(
                    "handler", name, f"its revert timer could not be started, so nothing was changed: {outcome.text()}"
                )
            )
        return {"name": name, "seconds": seconds, "files": [change.name for change in changes]}

    def _save(self, folder: str, number: int, path: str) -> dict[str, Any]:
        inside = self._machine.at(path)
        entry: dict[str, Any] = {"path": inside, "shown": path, "type": "absent"}
        try:
            status = os.lstat(inside)
        except FileNotFoundError:
            return entry
        if stat.S_ISLNK(status.st_mode):
            return {**entry, "type": "link", "target": os.readlink(inside)}
        if not stat.S_ISREG(status.st_mode):
            raise StageFailed(Remark("file", path, "neither a file nor a link stands there; it could not be restored"))
        saved = f"saved-{number}"
        descriptor = os.open(os.path.join(folder, saved), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file, open(inside, "rb") as source:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        mode = stat.S_IMODE(status.st_mode)
        return {**entry, "type": "file", "saved": saved, "mode": mode, "uid": status.st_uid, "gid": status.st_gid}

    def take_back(self, name: str) -> None:
        """Revert right now what is armed."""
        self._stop_timer(name)
        revert_program.fire(self._folder("armed", name))

    def confirm(self, names: list[str], run: str) -> None:
        """Keep the armed changes of this run for good. What was reverted meanwhile stays reverted: see ``reverted``."""
        for name in names:
            if self._plan("armed", name).get("run") == run:
                self._stop_timer(name)
                kept = os.path.join(self._machine.tmp, f"confirmed-{name}-{os.getpid()}")
                try:
                    os.rename(self._folder("armed", name), kept)
                except FileNotFoundError:
                    pass
                else:
                    shutil.rmtree(kept, ignore_errors=True)
                    continue
            self.wait_settled([name], GRACE_SECONDS)

    def wait_settled(self, names: list[str], seconds: float) -> bool:
        """Wait until these are neither armed nor being taken back."""
        deadline = time.monotonic() + seconds
        while any(os.path.isdir(self._folder(state, name)) for state in ("armed", "reverting") for name in names):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def settle_earlier_runs(self) -> None:
        """Let what other runs armed come to its end: confirmed by them, reverted by its timer, or now by us."""
        names = self._names("armed")
        for name in names:
            plan = self._plan("armed", name)
            left = plan.get("fires_at", 0.0) - time.clock_gettime(time.CLOCK_BOOTTIME)
            # A timer does not survive a reboot, and neither does the run that would have confirmed.
            if self._timer_runs(name):
                self.wait_settled([name], left + GRACE_SECONDS)
            if os.path.isdir(self._folder("armed", name)):
                self.take_back(name)
        for name in self._names("reverting"):
            if not self.wait_settled([name], GRACE_SECONDS):
                revert_program.revert(self._folder("reverting", name))

    def unconfirmed(self) -> list[dict[str, Any]]:
        """Armed changes, as the report has them."""
        armed = []
        for name in self._names("armed"):
            plan = self._plan("armed", name)
            left = plan.get("fires_at", 0.0) - time.clock_gettime(time.CLOCK_BOOTTIME)
            files = [entry["shown"] for entry in plan.get("entries", ())]
            armed.append({"name": name, "seconds": round(max(0.0, left), 1), "files": files})
        return armed

    def reverted(self) -> list[dict[str, Any]]:
        """Changes that were taken back and not told yet."""
        notes = []
        for file_name in self._names("reverted"):
            if file_name.endswith(".json"):
                notes.append(self._machine.load(os.path.join("reverted", file_name)))
        return [note for note in notes if note]

    def forget_reverted(self, notes: list[dict[str, Any]]) -> None:
        """They have been told."""
        for note in notes:
            path = os.path.join(self._machine.var, "reverted", f"{note['name']}.json")
            if os.path.exists(path):
                os.unlink(path)

    def _timer_runs(self, name: str) -> bool:
        return self._machine.run("systemctl", "is-active", "--quiet", f"{timer_name(name)}.timer").status == 0

    def _stop_timer(self, name: str) -> None:
        unit = timer_name(name)
        self._machine.run("systemctl", "stop", f"{unit}.timer")
        self._machine.run("systemctl", "reset-failed", f"{unit}.timer", f"{unit}.service")

    def _folder(self, state: str, name: str) -> str:
        return os.path.join(self._machine.var, state, name)

    def _names(self, state: str) -> list[str]:
        try:
            return sorted(os.listdir(os.path.join(self._machine.var, state)))
        except FileNotFoundError:
            return []

    def _plan(self, state: str, name: str) -> dict[str, Any]:
        return self._machine.load(os.path.join(state, name, "plan.json"))


def timer_name(handler: str) -> str:
    """The transient unit that takes a handler's change back."""
    return f"fleet-revert-{handler}"
