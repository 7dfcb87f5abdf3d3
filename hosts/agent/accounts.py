"""Names and numbers of users and groups, and users as a kind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from .machine import Machine
from .report import Change, Remark, StageFailed


@dataclass(frozen=True)
class Account:
    """A line of passwd with what belongs to it."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    groups: frozenset[str]
    password_usable: bool


class Accounts:
    """The host's account files, read whole; ``reload`` after a change."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.reload()

    def reload(self) -> None:
        passwd = [line.split(":") for line in self._lines("/etc/passwd")]
        groups = [line.split(":") for line in self._lines("/etc/group")]
        shadow = {line.split(":")[0]: line.split(":")[1] for line in self._lines("/etc/shadow") if ":" in line}
        self.gids = {row[0]: int(row[2]) for row in groups if len(row) > 3}
        self._group_names = {gid: name for name, gid in reversed(self.gids.items())}
        members: dict[str, set[str]] = {}
        for row in groups:
            for member in row[3].split(",") if len(row) > 3 else ():
                members.setdefault(member, set()).add(row[0])
        self.by_name = {
            row[0]: Account(
                name=row[0],
                uid=int(row[2]),
                gid=int(row[3]),
                home=row[5],
                shell=row[6],
                groups=frozenset(members.get(row[0], set())),
                # An unusable password starts with a character that no hash starts with (shadow(5)).
                password_usable=shadow.get(row[0], "*")[:1] not in ("!", "*"),
            )
            for row in passwd
            if len(row) > 6
        }
        self._user_names = {account.uid: name for name, account in reversed(self.by_name.items())}

    def user_name(self, uid: int) -> str:
        return self._user_names.get(uid, str(uid))

    def group_name(self, gid: int) -> str:
        return self._group_names.get(gid, str(gid))

    def numbers(self, owner: str, group: str) -> tuple[int, int]:
        """uid and gid, or StageFailed naming the one that does not exist."""
        if owner not in self.by_name:
            raise StageFailed(Remark("user", owner, "there is no such user on this host"))
        if group not in self.gids:
            raise StageFailed(Remark("group", group, "there is no such group on this host"))
        return self.by_name[owner].uid, self.gids[group]

    def home(self, name: str) -> str:
        if name in self.by_name:
            return self.by_name[name].home
        return "/root" if name == "root" else f"/home/{name}"

    def _lines(self, path: str) -> list[str]:
        inside = self._machine.at(path)
        try:
            with open(inside if os.path.exists(inside) else path, encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in file if line.strip()]
        except OSError:
            return []


class Users:
    """Accounts. Their files (authorized_keys, sudo drop-in) are ordinary files: ``files_of``."""

    kind = "user"

    def __init__(self, machine: Machine, accounts: Accounts) -> None:
        self._machine = machine
        self._accounts = accounts

    def observe(self, desired: list[dict[str, Any]]) -> dict[str, Account]:
        self._accounts.reload()
        names = {user["name"] for user in desired}
        return {name: account for name, account in self._accounts.by_name.items() if name in names}

    def plan(self, desired: list[dict[str, Any]], current: dict[str, Account]) -> list[Change]:
        changes = []
        for user in desired:
            account = current.get(user["name"])
            if account is None:
                changes.append(Change(self.kind, user["name"], "create", step=user))
                continue
            differences = []
            if account.shell != user["shell"]:
                differences.append(f"shell {account.shell} -> {user['shell']}")
            if missing := sorted(set(user["groups"]) - account.groups):
                differences.append(f"groups + {', '.join(missing)}")
            if account.password_usable and user["name"] != "root":
                differences.append("password login -> none")
            if differences:
                changes.append(Change(self.kind, user["name"], "update", "\n".join(differences), step=user))
        return changes

    def apply(self, change: Change) -> None:
        user = change.step
        name = user["name"]
        if change.action == "create":
            self._command(name, "useradd", "--create-home", "--user-group", "--shell", user["shell"], name)
        modify = ["usermod", "--shell", user["shell"]]
        if user["groups"]:
            modify += ["--append", "--groups", ",".join(user["groups"])]
        if name != "root":
            # "*" and not "!": without PAM, sshd takes "!" for a locked account and refuses keys too.
            modify += ["--password", "*"]
        self._command(name, *modify, name)
        self._accounts.reload()

    def _command(self, name: str, *argv: str) -> None:
        outcome = self._machine.run(*argv)
        if outcome.status:
            raise StageFailed(Remark(self.kind, name, f"{argv[0]}: {outcome.text()}"))

    def files_of(self, users: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The directories and files that belong to these users."""
        directories, files = [], []
        for user in users:
            name = user["name"]
            ssh = os.path.join(self._accounts.home(name), ".ssh")
            account = self._accounts.by_name.get(name)
            group = self._accounts.group_name(account.gid) if account else name
            directories.append({"path": ssh, "mode": 0o700, "owner": name, "group": group})
            keys = "".join(f"{key.strip()}\n" for key in user["authorized_keys"])
            files.append(plain_file(f"{ssh}/authorized_keys", keys, mode=0o600, owner=name, group=group))
            if user["sudo"]:
                files.append(
                    plain_file(
                        sudo_path(name),
                        f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n",
                        mode=0o440,
                        validator=["visudo", "-c", "-q", "-f", "{}"],
                    )
                )
        return directories, files


def sudo_path(name: str) -> str:
    """The drop-in that lets a user become root; sudo ignores names with dots, user names have none."""
    return f"/etc/sudoers.d/fleet-{name}"


def plain_file(
    path: str,
    content: str,
    mode: int = 0o644,
    owner: str = "root",
    group: str = "root",
    validator: list[str] | None = None,
) -> dict[str, Any]:
    """A file entry as a state document has it."""
    return {
        "path": path,
        "content": content,
        "mode": mode,
        "owner": owner,
        "group": group,
        "sensitive": False,
        "validator": validator or [],
        "notifies": [],
    }
