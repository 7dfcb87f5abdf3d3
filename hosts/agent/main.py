"""One run: take the payload, do one stage, say one report."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import Any

from .accounts import Accounts, Users
from .files import Absents, Directories, Entry, Files, Links
from .guard import Guard
from .handlers import Handlers
from .lock import exclusive
from .machine import Machine
from .packages import Packages
from .placement import clear_leftovers
from .refusals import Refusals
from .report import AgentError, Change, Refused, Remark, Report, StageFailed
from .sysctls import Modules, Sysctls, sysctl_file
from .units import Units
from .wireguard import WireguardInterfaces


class Run:
    """The kinds of one state on one machine, in the order in which they depend on each other."""

    def __init__(
        self, machine: Machine, state: dict[str, Any], report: Report, revert_source: str, units_order: int
    ) -> None:
        self.machine = machine
        self.state = state
        self.report = report
        self.units_order = units_order
        self.accounts = Accounts(machine)
        refusals = Refusals(machine)
        self.units = Units(machine)
        self.packages = Packages(machine, self.units)
        self.users = Users(machine, self.accounts)
        self.directories = Directories(machine, self.accounts)
        self.files = Files(machine, self.accounts)
        self.absents = Absents(machine, self.accounts)
        self.links = Links(machine, self.accounts)
        self.sysctls = Sysctls(machine, refusals, report.skipped)
        self.modules = Modules(machine, refusals, report.skipped)
        self.wireguard = WireguardInterfaces(machine, self.files, self.units, report.observed)
        self.handlers = Handlers(machine, self.units)
        self.guard = Guard(machine, revert_source)
        config_paths = {interface["config_path"] for interface in state["wireguard"]}
        self.configs = {entry["path"]: entry for entry in state["files"] if entry["path"] in config_paths}
        self.guarded = {handler["name"]: handler for handler in state["handlers"] if handler["revert"]}

    # --- what the state means, with what follows from it ---

    def all_directories(self) -> list[Entry]:
        derived, _ = self.users.files_of(self.state["users"])
        return _declared_first(self.state["directories"], derived)

    def all_files(self) -> list[Entry]:
        """Every file but the WireGuard configurations, which are persisted after the runtime holds them."""
        _, derived = self.users.files_of(self.state["users"])
        if self.state["sysctls"]:
            derived.append(sysctl_file(self.state["name"], self.state["sysctls"]))
        declared = [entry for entry in self.state["files"] if entry["path"] not in self.configs]
        return _declared_first(declared, derived)

    def all_units(self) -> list[dict[str, Any]]:
        """Declared units; those of our interfaces; and those that were masked for an installation, to be unmasked."""
        units = {unit["name"]: unit for unit in self.state["units"]}
        for interface in self.state["wireguard"]:
            if interface["present"] and interface["unit"]:
                units.setdefault(interface["unit"], _unit(interface["unit"], enabled=True, active=True))
        if self.state["packages"]["packages"]:
            for name in self.state["packages"]["mask_before_install"]:
                units.setdefault(name, _unit(name, enabled=None, active=None))
        return list(units.values())

    # --- planning ---

    def path_changes(self) -> list[Change]:
        """Differences of files, absent files and links, in that order."""
        files = self.all_files()
        changes = self.files.plan(files, self.files.observe(files))
        changes += self.absents.plan(self.state["absent"], self.absents.observe(self.state["absent"]))
        return changes + self.links.plan(self.state["links"], self.links.observe(self.state["links"]))

    def config_changes(self) -> list[Change]:
        configs = list(self.configs.values())
        return self.files.plan(configs, self.files.observe(configs))

    def wireguard_changes(self) -> list[Change]:
        current = self.wireguard.observe(self.state["wireguard"])
        return self.wireguard.plan(self.state["wireguard"], current, self.configs)

    def unit_changes(self) -> list[Change]:
        units = self.all_units()
        return self.units.plan(units, self.units.observe(units))

    def plan(self) -> list[Change]:
        """Everything that differs, in the order in which apply would do it."""
        state = self.state
        changes = self.packages.plan(state["packages"], self.packages.observe(state["packages"]))
        changes += self.users.plan(state["users"], self.users.observe(state["users"]))
        directories = self.all_directories()
        changes += self.directories.plan(directories, self.directories.observe(directories))
        paths = self.path_changes()
        changes += paths
        changes += self.modules.plan(state["modules"], self.modules.observe(state["modules"]))
        changes += self.sysctls.plan(state["sysctls"], self.sysctls.observe(state["sysctls"]))
        configs = self.config_changes()
        handlers = self.handlers.plan(state["handlers"], self.handlers.observe(state["handlers"]), [*paths, *configs])
        changes += [change for change in handlers if change.step["order"] < self.units_order]
        if not self._refused(paths, missing_program_fails=False, run_validators=False):
            changes += self.wireguard_changes()
        changes += configs
        changes += self.unit_changes()
        return changes + [change for change in handlers if change.step["order"] >= self.units_order]

    def _refused(self, paths: list[Change], missing_program_fails: bool, run_validators: bool = True) -> list[Remark]:
        refused = self.wireguard.validate(self.state["wireguard"], self.configs)
        if run_validators:
            files = [change for change in paths if change.kind == self.files.kind]
            refused += self.files.validate([*files, *self.config_changes()], missing_program_fails)
        return refused

    def dry(self, run_validators: bool) -> None:
        """Plan, and with ``run_validators`` let them read the new files."""
        self.report.changes = self.plan()
        self.report.failed += self._refused(self.path_changes(), False, run_validators)
        self.report.armed = self.guard.unconfirmed()
        self.report.reverted = self.guard.reverted()

    # --- applying ---

    def apply(self, run: str) -> None:
        """Every stage in order; the first failure ends it. Then look again."""
        self.guard.settle_earlier_runs()
        self.report.reverted = self.guard.reverted()
        self.guard.forget_reverted(self.report.reverted)
        self.sysctls.retry_refused(self.state["sysctls"])
        self.modules.retry_refused(self.state["modules"])
        self._packages_and_users()
        paths = self.path_changes()
        if refused := self._refused(paths, missing_program_fails=True):
            raise Refused(*refused)
        causes = [*paths, *self.config_changes()]
        due = self.handlers.plan(self.state["handlers"], self.handlers.observe(self.state["handlers"]), causes)
        self.handlers.remember(causes)
        ordinary = [change for change in paths if not self._guarding(change)]
        for change in ordinary:
            self._place(change)
        self._kernel()
        early = [
            change for change in due if change.name not in self.guarded and change.step["order"] < self.units_order
        ]
        self._run_handlers(early)
        for change in (change for change in due if change.name in self.guarded):
            self._dangerous(change, [path for path in paths if self._guarding(path) == change.name], run)
        self._wireguard()
        self._units()
        late = [
            change for change in due if change.name not in self.guarded and change.step["order"] >= self.units_order
        ]
        self._run_handlers(late)
        self.report.unsettled = self.plan()

    def _packages_and_users(self) -> None:
        state = self.state
        packages = self.packages.plan(state["packages"], self.packages.observe(state["packages"]))
        self.packages.apply_all(packages)
        self.report.changes += packages
        self.accounts.reload()
        for change in self.users.plan(state["users"], self.users.observe(state["users"])):
            self.users.apply(change)
            self.report.changes.append(change)
        directories = self.all_directories()
        for change in self.directories.plan(directories, self.directories.observe(directories)):
            self.directories.apply(change)
            self.report.changes.append(change)

    def _guarding(self, change: Change) -> str:
        return next((name for name in change.notifies if name in self.guarded), "")

    def _place(self, change: Change) -> None:
        kinds: dict[str, Files | Absents | Links] = {"file": self.files, "absent": self.absents, "link": self.links}
        kinds[change.kind].apply(change)
        self.report.changes.append(change)

    def _kernel(self) -> None:
        state = self.state
        for change in self.modules.plan(state["modules"], self.modules.observe(state["modules"])):
            if self.modules.apply(change):
                self.report.changes.append(change)
        for change in self.sysctls.plan(state["sysctls"], self.sysctls.observe(state["sysctls"])):
            if self.sysctls.apply(change):
                self.report.changes.append(change)

    def _run_handlers(self, changes: list[Change]) -> None:
        for change in changes:
            if self.handlers.apply(change):
                self.report.changes.append(change)

    def _dangerous(self, handler: Change, paths: list[Change], run: str) -> None:
        armed = self.guard.arm(handler.step, paths, run)
        try:
            for change in paths:
                self._place(change)
            self._run_handlers([handler])
        except (StageFailed, OSError):
            self.guard.take_back(handler.name)
            self.handlers.done(handler.name)
            notes = self.guard.reverted()
            self.report.reverted += notes
            self.guard.forget_reverted(notes)
            raise
        self.report.armed.append(armed)

    def _wireguard(self) -> None:
        changes = self.wireguard_changes()
        self.report.changes += self.wireguard.apply_all(changes, self.state["wireguard"], self.configs)
        self.report.changes += changes

    def _units(self) -> None:
        changes = self.unit_changes()
        self.units.apply_all(changes)
        self.report.changes += changes


def _declared_first(declared: list[Entry], derived: list[Entry]) -> list[Entry]:
    paths = {entry["path"] for entry in declared}
    return [*declared, *(entry for entry in derived if entry["path"] not in paths)]


def _unit(name: str, enabled: bool | None, active: bool | None) -> dict[str, Any]:
    return {"name": name, "enabled": enabled, "active": active, "masked": False}


SECRET_CHARACTERS = 16
"""Words of a sensitive file from this length on are taken for secrets when a command quotes them."""


def secrets_of(payload: dict[str, Any]) -> set[str]:
    """The long words of the sensitive files."""
    texts = [entry["content"] for entry in payload["state"]["files"] if entry["sensitive"]]
    return {word for text in texts for word in text.split() if len(word) >= SECRET_CHARACTERS}


def withhold(document: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """The report without what a validator, handler or check may have quoted from a sensitive file."""
    quoting = [(remark, "reason") for remark in (*document["failed"], *document["skipped"])]
    quoting += [(change, "diff") for change in document["changes"] if change["kind"] == "handler"]
    for item, field in quoting:
        for secret in secrets:
            item[field] = item[field].replace(secret, "[withheld]")
    return document


def execute(payload: dict[str, Any], sources: dict[str, str]) -> dict[str, Any]:
    """Do what the payload asks and return the report's document. Never raises."""
    report = Report()
    outcome = "done"
    try:
        if "bundle" in payload:
            # Only here: http and what it imports take a host as long as a small stage's whole work.
            from . import release_stages

            return release_stages.execute(payload)
        _execute(payload, sources, report)
    except StageFailed as failure:
        report.failed += failure.failed
        outcome = "refused" if isinstance(failure, Refused) else "failed"
    except AgentError as error:
        return {"error": {"code": error.code, "message": str(error)}}
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        report.failed.append(Remark("host", str(error.filename or "?"), f"{error.strerror}{place}"))
        outcome = "failed"
    except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may hold a secret: only its kind and place are told
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        message = f"defect in the host program: {type(error).__name__} at {where}"
        return {"error": {"code": "defect", "message": message}}
    document = {**report.document(), "outcome": outcome}
    return withhold(document, secrets_of(payload)) if "state" in payload else document


def _execute(payload: dict[str, Any], sources: dict[str, str], report: Report) -> None:
    machine = Machine(payload["root"], payload["path"])
    os.umask(0o022)
    mode = payload["mode"]
    if mode == "confirm":
        _confirm(Guard(machine, ""), payload, report)
        return
    if mode == "await":
        _await(Guard(machine, ""), payload, report)
        return
    run = Run(machine, payload["state"], report, sources["revert_program"], payload["units_order"])
    if mode == "observe":
        run.dry(run_validators=False)
        return
    machine.make_folders()
    if mode == "plan":
        run.dry(run_validators=True)
        return
    with exclusive(machine, payload["who"], payload["state"]["name"], payload["lock_wait_seconds"]):
        clear_leftovers(machine)
        run.apply(payload["run"])


def _confirm(guard: Guard, payload: dict[str, Any], report: Report) -> None:
    guard.confirm(payload["names"], payload["run"])
    _tell_reverted(guard, payload["names"], report)


def _await(guard: Guard, payload: dict[str, Any], report: Report) -> None:
    if not guard.wait_settled(payload["names"], payload["seconds"]):
        report.armed = [armed for armed in guard.unconfirmed() if armed["name"] in payload["names"]]
    _tell_reverted(guard, payload["names"], report)


def _tell_reverted(guard: Guard, names: list[str], report: Report) -> None:
    report.reverted = [note for note in guard.reverted() if note["name"] in names]
    guard.forget_reverted(report.reverted)


def serve(payload: dict[str, Any], sources: dict[str, str]) -> None:
    """Run as the host's program: the report is the only thing on stdout."""
    # Losing the connection must not stop a run between two steps.
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    document = execute(payload, sources)
    try:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)
