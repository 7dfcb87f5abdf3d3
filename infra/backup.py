"""Copies of the market database off the hub: what the hub has to send them, and another host to keep them.

The hub sends, through a login of the keeper's that can do three things: hand in a new copy, list, and get one back. The
keeper has no way to the hub at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from ipaddress import IPv4Address

from backup.settings import Settings
from fleet.configuration import Configuration, HostRef
from fleet.model.backup import Backup
from fleet.model.stack import MAIN
from fleet.secrets import Vault
from hosts import Absent, Directory, File, Unit, User
from infra.bundles import questdb
from shipper.primary import HEARTBEAT
from templates.render import render

USER = "fleet-backup"
FOLDER = "/var/lib/fleet-backup"
PROGRAMS = "/usr/local/lib/fleet"
SETTINGS = "/etc/fleet/backup/settings.json"
KEY = "/etc/fleet/backup/key"
KNOWN_HOSTS = "/etc/fleet/backup/known_hosts"
STORE_SETTINGS = "/etc/fleet/backup-store.json"
RESULTS = "/var/lib/fleet/backup"
LIBRARY = f"env PYTHONPATH={PROGRAMS} python3 -B -m backup"
KEY_PATH = ("backup", "questdb")

SEND_UNIT = "fleet-db-backup.service"
TIMER_UNIT = "fleet-db-backup.timer"


def restore_unit(name: str) -> str:
    """The unit that brings a copy back."""
    return f"fleet-db-restore@{name}.service"


@dataclass(frozen=True)
class BackupPart:
    """What a host's base has of it."""

    files: tuple[File, ...] = ()
    directories: tuple[Directory, ...] = ()
    users: tuple[User, ...] = ()
    units: tuple[Unit, ...] = ()
    absent: tuple[Absent, ...] = ()
    logins: tuple[str, ...] = ()
    """Users that sshd lets in, each with the one address that it may come from."""


def backup_part(configuration: Configuration, ref: HostRef, keeper_key: str, vault: Vault) -> BackupPart:
    """The part of one host: nothing for most.

    Args:
        keeper_key: the host key that the keeper shows.
    """
    plan = configuration.fleet.questdb.backup
    primary = primary_of(configuration)
    if ref.id == primary.id:
        # Without them the units that an earlier configuration left do nothing.
        if plan is None:
            return BackupPart(absent=tuple(map(Absent, (SETTINGS, KEY, KNOWN_HOSTS))))
        return _sender(_host(configuration, plan.to), plan, keeper_key, vault)
    if plan is not None and ref.id == plan.to:
        return _keeper(plan, primary.mesh_address, vault)
    return BackupPart()


def primary_of(configuration: Configuration) -> HostRef:
    """The host of the database that copies are made of."""
    return next(ref for ref in configuration.hosts_of(configuration.fleet.hub) if ref.host.name == MAIN)


def keeper_of(configuration: Configuration) -> HostRef | None:
    """The host that keeps the copies; None: nobody does."""
    plan = configuration.fleet.questdb.backup
    return None if plan is None else _host(configuration, plan.to)


def _host(configuration: Configuration, host: str) -> HostRef:
    return next(ref for ref in configuration.hosts() if ref.id == host)


def _sender(keeper: HostRef, plan: Backup, keeper_key: str, vault: Vault) -> BackupPart:
    settings = Settings(
        host=keeper.id,
        address=str(keeper.mesh_address),
        user=USER,
        port=22,
        key_file=KEY,
        known_hosts_file=KNOWN_HOSTS,
        project=questdb.PROJECT,
        container=questdb.CONTAINER,
        volume=questdb.VOLUME,
        owner=questdb.UID,
        make=questdb.BACKUP,
        query=("bash", f"{questdb.SCRIPTS}/sql.sh", questdb.READER),
        uncounted=(HEARTBEAT,),
        results=RESULTS,
    )
    return BackupPart(
        files=(
            *_programs(),
            File(SETTINGS, json.dumps(asdict(settings), indent=2) + "\n"),
            File(KEY, vault.reference("ed25519", *KEY_PATH) + "\n", mode=0o600, sensitive=True),
            File(KNOWN_HOSTS, f"{keeper.id} {keeper_key}\n"),
            _unit_file(SEND_UNIT, render("host/fleet-db-backup.service.j2")),
            _unit_file(TIMER_UNIT, render("host/fleet-db-backup.timer.j2", every_hours=plan.every_hours)),
            _unit_file("fleet-db-restore@.service", render("host/fleet-db-restore.service.j2")),
        ),
        directories=(Directory(RESULTS, mode=0o700),),
        units=(Unit(TIMER_UNIT),),
    )


def _keeper(plan: Backup, hub: IPv4Address, vault: Vault) -> BackupPart:
    store = {"folder": FOLDER, "keep": plan.keep, "every_seconds": plan.every_seconds}
    door = f'restrict,from="{hub}",command="{LIBRARY} store {STORE_SETTINGS}"'
    return BackupPart(
        files=(*_programs(), File(STORE_SETTINGS, json.dumps(store, indent=2) + "\n")),
        directories=(Directory(FOLDER, mode=0o700, owner=USER, group=USER),),
        users=(User(USER, authorized_keys=(f"{door} {vault.ed25519_public(*KEY_PATH)}",)),),
        logins=(f"{USER}@{hub}",),
    )


def _programs() -> Iterator[File]:
    for module in sorted(resources.files("backup").iterdir(), key=lambda item: item.name):
        if module.name.endswith(".py"):
            yield File(f"{PROGRAMS}/backup/{module.name}", module.read_text(encoding="utf-8"))


def _unit_file(name: str, text: str) -> File:
    return File(f"/etc/systemd/system/{name}", text, notifies=("daemon-reload",))
