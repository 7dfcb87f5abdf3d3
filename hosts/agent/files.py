"""Files, absent files, links and directories."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import Any

from .accounts import Accounts
from .machine import Machine
from .placement import move_into_place, new_folder, write_candidate
from .report import Change, Remark, StageFailed, text_diff

Entry = dict[str, Any]


@dataclass(frozen=True)
class Present:
    """What stands at a path."""

    type: str
    """file, link, directory or other"""
    mode: int
    owner: str
    group: str
    content: bytes = b""
    target: str = ""


def look(machine: Machine, accounts: Accounts, path: str) -> Present | None:
    """What stands at a path of the host, without following a link; None if nothing."""
    inside = machine.at(path)
    try:
        status = os.lstat(inside)
    except (FileNotFoundError, NotADirectoryError):
        return None
    common = (stat.S_IMODE(status.st_mode), accounts.user_name(status.st_uid), accounts.group_name(status.st_gid))
    if stat.S_ISLNK(status.st_mode):
        return Present("link", *common, target=os.readlink(inside))
    if stat.S_ISDIR(status.st_mode):
        return Present("directory", *common)
    if not stat.S_ISREG(status.st_mode):
        return Present("other", *common)
    with open(inside, "rb") as file:
        return Present("file", *common, content=file.read())


class Kind:
    """Common to the kinds that are a path."""

    kind = ""

    def __init__(self, machine: Machine, accounts: Accounts) -> None:
        self._machine = machine
        self.accounts = accounts

    def observe(self, desired: list[Entry]) -> dict[str, Present | None]:
        return {entry["path"]: look(self._machine, self.accounts, entry["path"]) for entry in desired}

    def _parent(self, path: str) -> None:
        os.makedirs(os.path.dirname(self._machine.at(path)), mode=0o755, exist_ok=True)

    def _fail(self, path: str, reason: str) -> StageFailed:
        return StageFailed(Remark(self.kind, path, reason))


class Files(Kind):
    """Text files."""

    kind = "file"

    def plan(self, desired: list[Entry], current: dict[str, Present | None]) -> list[Change]:
        changes = []
        for entry in desired:
            present = current[entry["path"]]
            action, differences = (
                "create",
                [] if entry["sensitive"] else [text_diff(entry["path"], "", entry["content"])],
            )
            if present is not None:
                action, differences = "update", self._differences(entry, present)
                if not differences:
                    continue
            elif entry["sensitive"]:
                differences = ["content differs"]
            changes.append(
                Change(self.kind, entry["path"], action, "\n".join(differences), entry, tuple(entry["notifies"]))
            )
        return changes

    def _differences(self, entry: Entry, present: Present) -> list[str]:
        if present.type != "file":
            return [f"{present.type} -> file"]
        differences = []
        if present.content != entry["content"].encode():
            before = present.content.decode("utf-8", "replace")
            shown = "content differs" if entry["sensitive"] else text_diff(entry["path"], before, entry["content"])
            differences.append(shown or "content differs")
        if present.mode != entry["mode"]:
            differences.append(f"mode {present.mode:04o} -> {entry['mode']:04o}")
        before_owner, after_owner = f"{present.owner}:{present.group}", f"{entry['owner']}:{entry['group']}"
        if before_owner != after_owner:
            differences.append(f"owner {before_owner} -> {after_owner}")
        return differences

    def validate(self, changes: list[Change], missing_program_fails: bool) -> list[Remark]:
        """Run the validators of changed files on their new content; returns the refusals."""
        refused = []
        for change in changes:
            entry = change.step
            if not entry["validator"]:
                continue
            candidate = write_candidate(self._machine, entry["path"], entry["content"])
            try:
                argv = [argument.replace("{}", candidate) for argument in entry["validator"]]
                outcome = self._machine.run(*argv)
            finally:
                shutil.rmtree(os.path.dirname(candidate), ignore_errors=True)
            if outcome.status == 0 or (outcome.status == 127 and not missing_program_fails):
                continue
            said = outcome.text().replace(candidate, entry["path"])
            if entry["sensitive"]:
                said = "its output is withheld, the file is sensitive"
            refused.append(
                Remark(self.kind, entry["path"], f"{entry['validator'][0]} refuses it (exit {outcome.status}): {said}")
            )
        return refused

    def apply(self, change: Change) -> None:
        entry, path = change.step, self._machine.at(change.name)
        if os.path.isdir(path) and not os.path.islink(path):
            raise self._fail(change.name, "there is a directory of that name; remove it by hand")
        uid, gid = self.accounts.numbers(entry["owner"], entry["group"])
        self._parent(change.name)
        candidate = write_candidate(self._machine, change.name, entry["content"])
        os.chown(candidate, uid, gid)
        os.chmod(candidate, entry["mode"])
        move_into_place(candidate, path)
        os.rmdir(os.path.dirname(candidate))


class Absents(Kind):
    """Paths where nothing shall be."""

    kind = "absent"

    def plan(self, desired: list[Entry], current: dict[str, Present | None]) -> list[Change]:
        return [
            Change(self.kind, entry["path"], "delete", "", entry, tuple(entry["notifies"]))
            for entry in desired
            if current[entry["path"]] is not None
        ]

    def apply(self, change: Change) -> None:
        path = self._machine.at(change.name)
        if os.path.isdir(path) and not os.path.islink(path):
            raise self._fail(change.name, "it is a directory; directories are removed by hand only")
        os.unlink(path)


class Links(Kind):
    """Symbolic links."""

    kind = "link"

    def plan(self, desired: list[Entry], current: dict[str, Present | None]) -> list[Change]:
        changes = []
        for entry in desired:
            present = current[entry["path"]]
            if present is not None and present.type == "link" and present.target == entry["target"]:
                continue
            before = (present.target or present.type) if present else "nothing"
            action = "update" if present else "create"
            diff = f"{before} -> {entry['target']}"
            changes.append(Change(self.kind, entry["path"], action, diff, entry, tuple(entry["notifies"])))
        return changes

    def apply(self, change: Change) -> None:
        path = self._machine.at(change.name)
        if os.path.isdir(path) and not os.path.islink(path):
            raise self._fail(change.name, "there is a directory of that name; remove it by hand")
        self._parent(change.name)
        folder = new_folder(self._machine)
        candidate = os.path.join(folder, "link")
        os.symlink(change.step["target"], candidate)
        move_into_place(candidate, path)
        os.rmdir(folder)


class Directories(Kind):
    """Directories, parents first."""

    kind = "directory"

    def plan(self, desired: list[Entry], current: dict[str, Present | None]) -> list[Change]:
        changes = []
        for entry in sorted(desired, key=lambda entry: str(entry["path"])):
            present = current[entry["path"]]
            wanted = f"{entry['mode']:04o} {entry['owner']}:{entry['group']}"
            if present is None:
                changes.append(Change(self.kind, entry["path"], "create", wanted, entry))
                continue
            found = f"{present.mode:04o} {present.owner}:{present.group}"
            if present.type != "directory":
                found = present.type
            if found != wanted:
                changes.append(Change(self.kind, entry["path"], "update", f"{found} -> {wanted}", entry))
        return changes

    def apply(self, change: Change) -> None:
        entry, path = change.step, self._machine.at(change.name)
        if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
            raise self._fail(change.name, "something else than a directory has that name; remove it by hand")
        uid, gid = self.accounts.numbers(entry["owner"], entry["group"])
        os.makedirs(path, mode=0o755, exist_ok=True)
        os.chown(path, uid, gid)
        os.chmod(path, entry["mode"])
