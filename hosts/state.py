"""What a host shall look like: plain, frozen, JSON-able. Whoever describes a host needs only this module."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from hosts.document import OCTAL, from_document, to_document

UNITS_ORDER = 50
"""Handlers with a lower order run before units are started (a daemon-reload is one), the others afterwards."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*\Z")
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}\Z")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_SYSCTL = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)+\Z")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")


def _wanted(pattern: re.Pattern[str], what: str, value: str) -> None:
    if not pattern.match(value):
        raise ValueError(f"{value!r} is not a {what}")


def _absolute(path: str) -> None:
    parts = path.split("/")
    if not path.startswith("/") or path == "/" or ".." in parts or "." in parts or "" in parts[1:] or "\0" in path:
        raise ValueError(f"{path!r} is not an absolute path without '.', '..' and '//'")


@dataclass(frozen=True)
class File:
    """A text file. It is replaced atomically, and only after its validator accepted the new content."""

    path: str
    content: str
    mode: int = field(default=0o644, metadata=OCTAL)
    owner: str = "root"
    group: str = "root"
    sensitive: bool = False
    """its content appears in no diff, error or log"""
    validator: tuple[str, ...] = ()
    """argument list that exits 0 for good content; ``{}`` is the candidate's path, e.g. ("nft", "-c", "-f", "{}")"""
    notifies: tuple[str, ...] = ()
    """names of the handlers that run when the file changed"""

    def __post_init__(self) -> None:
        _absolute(self.path)
        if self.validator and not any("{}" in argument for argument in self.validator):
            raise ValueError(f"{self.path}: the validator does not name the candidate file, {{}}")


@dataclass(frozen=True)
class Absent:
    """A file or link that shall not exist."""

    path: str
    notifies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _absolute(self.path)


@dataclass(frozen=True)
class Link:
    """A symbolic link; ``target`` is taken literally."""

    path: str
    target: str
    notifies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _absolute(self.path)


@dataclass(frozen=True)
class Directory:
    """A directory; its parents are made with the defaults where they are missing."""

    path: str
    mode: int = field(default=0o755, metadata=OCTAL)
    owner: str = "root"
    group: str = "root"

    def __post_init__(self) -> None:
        _absolute(self.path)


@dataclass(frozen=True)
class User:
    """An account with key-only login: its password is unusable, its authorized_keys are exactly these.

    ``sudo`` means all commands without a password, by a drop-in of our own. The password of root is left alone.
    """

    name: str
    authorized_keys: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """supplementary groups it shall be in; others that it is in are left"""
    sudo: bool = False
    shell: str = "/bin/bash"

    def __post_init__(self) -> None:
        _wanted(_ACCOUNT, "user name", self.name)
        if any("\n" in key for key in self.authorized_keys):
            raise ValueError(f"user {self.name}: an authorized key is one line")


@dataclass(frozen=True)
class Package:
    """A Debian package that shall be installed, whichever version the archive has."""

    name: str

    def __post_init__(self) -> None:
        _wanted(_PACKAGE, "Debian package name", self.name)


@dataclass(frozen=True)
class PackageSet:
    """Packages, and the units that must not start by being installed.

    Units in ``mask_before_install`` that the host does not have yet are masked first, and unmasked when their
    configuration files are in place; ``HostState.units`` says which of them are then started.
    """

    packages: tuple[Package, ...] = ()
    mask_before_install: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A systemd unit. None leaves that aspect as it is. A masked unit is stopped."""

    name: str
    enabled: bool | None = True
    active: bool | None = True
    masked: bool = False

    def __post_init__(self) -> None:
        _wanted(_NAME, "unit name", self.name)
        if "." not in self.name:
            raise ValueError(f"{self.name!r}: a unit name carries its type, as {self.name}.service")


@dataclass(frozen=True)
class Sysctl:
    """A kernel setting, at run time and (all of a state in /etc/sysctl.d/90-fleet-<state>.conf) at boot."""

    key: str
    """with dots, as in sysctl.d; a dot inside an interface name is written as a slash"""
    value: str

    def __post_init__(self) -> None:
        _wanted(_SYSCTL, "sysctl key", self.key)
        if "\n" in self.value or not self.value.strip():
            raise ValueError(f"sysctl {self.key}: a value is one line of text")


@dataclass(frozen=True)
class KernelModule:
    """A kernel module to load now (persist it by a file in /etc/modules-load.d). Skipped where the kernel has none."""

    name: str

    def __post_init__(self) -> None:
        _wanted(_NAME, "module name", self.name)


@dataclass(frozen=True)
class Revert:
    """Makes a handler dangerous: it and its files revert after ``seconds`` unless a new connection confirms.

    The time runs from right before the files are replaced and covers the handler, the start of units, later handlers
    and the new connection. Reverting restores the previous files and runs the handler again; where there were none
    before, ``first_undo`` runs instead (for our nftables table: its deletion).
    """

    seconds: float = 90.0
    first_undo: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1.0 <= self.seconds <= 3600.0:
            raise ValueError(f"a revert waits 1 to 3600 seconds, not {self.seconds:g}")


@dataclass(frozen=True)
class Handler:
    """A command that runs once when something that notifies it changed, in ascending ``order``.

    ``check`` exits 0 while the handler's effect is in force, e.g. ("nft", "list", "table", "inet", "fleet"): where it
    does not, the handler is due without a changed file.
    """

    name: str
    argv: tuple[str, ...]
    order: int = UNITS_ORDER
    revert: Revert | None = None
    check: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _wanted(_NAME, "handler name", self.name)
        if not self.argv or not self.argv[0]:
            raise ValueError(f"handler {self.name}: no command")


@dataclass(frozen=True)
class WireguardInterface:
    """One WireGuard interface, reconciled against the runtime (not against its file).

    The text of ``config_path`` is a ``File`` of the same state, in wg-quick's format. It is persisted last. The
    interface is brought up by ``unit`` where it is missing. With ``present=False`` the unit is stopped and disabled and
    the file deleted; routes that another interface of the state claims have moved there before.
    """

    name: str
    config_path: str
    address: str = ""
    """with prefix length: 10.77.1.1/32"""
    mtu: int = 1420
    routes: tuple[str, ...] = ()
    """canonical prefixes that shall go through this interface; others through it are removed"""
    present: bool = True
    unit: str | None = ""
    """the unit that owns the interface; empty becomes fleet-wg@<name>.service; None: whoever made it keeps it up"""

    def __post_init__(self) -> None:
        _wanted(_INTERFACE, "network interface name", self.name)
        _absolute(self.config_path)
        if self.present and "/" not in self.address:
            raise ValueError(f"{self.name}: {self.address!r} is not an address with its prefix length")
        for route in self.routes:
            ip_network(route)
        if self.unit == "":
            object.__setattr__(self, "unit", f"fleet-wg@{self.name}.service")


@dataclass(frozen=True)
class HostState:
    """One part of a host as it shall be. Parts of one host are applied one after the other and do not overlap.

    Raises:
        ValueError: two entries claim one path or name, or an entry refers to one that does not exist.
    """

    name: str = "base"
    """names the part in messages, and its sysctl file"""
    packages: PackageSet = PackageSet()
    users: tuple[User, ...] = ()
    directories: tuple[Directory, ...] = ()
    files: tuple[File, ...] = ()
    absent: tuple[Absent, ...] = ()
    links: tuple[Link, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()
    modules: tuple[KernelModule, ...] = ()
    wireguard: tuple[WireguardInterface, ...] = ()
    units: tuple[Unit, ...] = ()
    handlers: tuple[Handler, ...] = ()

    def __post_init__(self) -> None:
        _wanted(_NAME, "name of a host's part", self.name)
        _unique("path", self._paths())
        for what, names in (
            ("handler", [handler.name for handler in self.handlers]),
            ("unit", [unit.name for unit in self.units]),
            ("user", [user.name for user in self.users]),
            ("sysctl", [sysctl.key for sysctl in self.sysctls]),
            ("interface", [interface.name for interface in self.wireguard]),
        ):
            _unique(what, names)
        handlers = {handler.name for handler in self.handlers}
        dangerous = {handler.name for handler in self.handlers if handler.revert}
        for path, notifies in self._notifications():
            if unknown := sorted(set(notifies) - handlers):
                raise ValueError(f"{path} notifies {', '.join(unknown)}: no such handler in this state")
            if len(dangerous.intersection(notifies)) > 1:
                raise ValueError(f"{path} notifies two handlers that revert: which one would restore it?")
        files = {file.path for file in self.files}
        for interface in self.wireguard:
            if interface.present and interface.config_path not in files:
                raise ValueError(f"{interface.name}: {interface.config_path} is not a file of this state")
            if not interface.present and interface.config_path in files:
                raise ValueError(
                    f"{interface.name} shall be absent, yet {interface.config_path} is a file of this state"
                )

    def _paths(self) -> list[str]:
        entries: tuple[File | Absent | Link | Directory, ...] = (
            *self.files,
            *self.absent,
            *self.links,
            *self.directories,
        )
        return [entry.path for entry in entries]

    def _notifications(self) -> list[tuple[str, tuple[str, ...]]]:
        entries: tuple[File | Absent | Link, ...] = (*self.files, *self.absent, *self.links)
        return [(entry.path, entry.notifies) for entry in entries]

    def to_document(self) -> dict[str, Any]:
        """The state as JSON-able data."""
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> HostState:
        """The inverse of ``to_document``.

        Raises:
            ValueError: not a host state; the message names the place.
        """
        return from_document(cls, document)


def _unique(what: str, names: Iterable[str]) -> None:
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise ValueError(f"{what} declared twice: {', '.join(twice)}")
