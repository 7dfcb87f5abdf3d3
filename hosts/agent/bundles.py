"""Bundles on this host: one deploys, observes, lists and rolls back their releases.

Roll-back, and the way back from a red gate, are the deploy of a release that is here already, by the same code.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .boot_program import COMPOSE_FILE, MARKER_FILE, MOUNTS_FILE
from .bundle_folder import DATA_FILE, BundleFolder, KeptRelease, all_images, utc_now
from .docker import Container, Docker
from .gate import GOOD, Verdict, Watch, replicas, watched_ports
from .machine import Machine, Outcome
from .mounts import Mounts, NotMountable, mounts_of
from .preconditions import fit_in_memory, need_ports, need_room
from .report import Change, ReleaseFailed

PULL_SECONDS = 1800.0
UP_MARGIN_SECONDS = 60.0
"""Beyond the gate's time, for Compose to stop the old containers and make the new ones."""
STOP_SECONDS = 180.0
PREPARE_SECONDS = 600.0
"""Limit of a release's ``before_data_change``."""
CHECK_SECONDS = 20.0
CHECK_ATTEMPTS = 3
POLL_SECONDS = 0.3
WAITING = 75

# Compose's progress; what is left of its words is the reason.
_PROGRESS = re.compile(r"^\s*(Container|Network|Volume|Image) \S+\s+[A-Z][a-z]+\s*$|^\s*\S+ (Pulling|Pulled)\s*$")


@dataclass
class ReleaseWork:
    """What a stage has found and done so far, as the client's ``ReleaseReport`` has it."""

    changes: list[Change] = field(default_factory=list)
    waiting: list[dict[str, str]] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    interrupted: str = ""


@dataclass(frozen=True)
class Ready:
    """A release whose Compose file has been read and whose mounts are in place."""

    release: KeptRelease
    project: dict[str, Any]
    mounts: Mounts
    repaired: frozenset[str]
    """files of the release that were put right where containers mount them"""

    @property
    def gate(self) -> dict[str, Any]:
        gate: dict[str, Any] = self.release.document["gate"]
        return gate


class Bundle:
    """One bundle on this host."""

    def __init__(self, machine: Machine, name: str, who: str) -> None:
        self._machine = machine
        self.name = name
        self._who = who
        self.project = f"fleet-{name}"
        self.folder = BundleFolder(machine, name)
        self.docker = Docker(machine)
        self.work = ReleaseWork()
        self._lock = -1

    # --- stages ---

    def deploy(self, document: dict[str, Any], digest: str, files: list[dict[str, Any]], lock: int) -> None:
        """Bring a release here and to promotion; raises ReleaseFailed with the bundle in a defined state."""
        self._lock = lock
        self._find_interrupted()
        size = sum(len(file["content"].encode()) for file in files)
        need_room(self.folder.path, size, "the release's files")
        self.folder.make()
        self._data_not_older(document["data_versions"], f"release {digest}")
        missing = [image for image in document["images"] if not self.docker.has_image(image)]
        if missing:
            asked = sum(document["image_bytes"].get(image, 0) for image in missing)
            need_room(self.docker.root, asked, "the images that are not here yet")
        release = self.folder.place(digest, document, files)
        self._to(release, missing)

    def roll_back(self, digest: str, lock: int) -> None:
        """Deploy a release that this host keeps: ``digest``, or the one that was promoted before the current one."""
        self._lock = lock
        self._find_interrupted()
        wanted = digest or self.folder.previous()
        release = self.folder.kept(wanted)
        if release is None:
            known = ", ".join(kept.digest for kept in self.folder.all_kept()) or "none"
            said = f"it keeps no release {wanted}" if wanted else "it keeps no release that was promoted before"
            raise ReleaseFailed("unknown", f"{said} of {self.name}; it keeps {known}")
        self.folder.make()
        changed = self._data_changes(release)
        if changed:
            raise ReleaseFailed(
                "roll-back",
                f"{'; '.join(changed)}: between the two there is no plain way back. Restore a backup that was made "
                f"with the versions of release {wanted}, which brings its data along",
            )
        if self.folder.differing(release):
            raise ReleaseFailed(
                "unknown", f"release {wanted} is here, but its files were changed: {self.folder.differing(release)[0]}"
            )
        self._to(release, [image for image in release.images if not self.docker.has_image(image)])

    def withdraw(self, lock: int) -> None:
        """Take the bundle's containers away and forget its releases; volumes, and who wrote them, stay."""
        self.docker.remove(self.docker.trials(self.project))
        before = self.docker.containers(self.project)
        down = ("--project-name", self.project, "down", "--remove-orphans")
        outcome = self.docker.compose(*down, seconds=STOP_SECONDS, holding=(lock,))
        if left := self.docker.containers(self.project):
            raise ReleaseFailed("host", f"{left[0].service} is not to be removed: {_reason(outcome)}")
        self._tell_services(before, [])
        self.folder.clear()

    def data_restored(self, versions: dict[str, str]) -> None:
        """The data is a backup's now, written by ``versions``."""
        self.folder.make()
        self.folder.save(DATA_FILE, {"versions": {**self._data_versions(), **versions}})

    def differences(self, digest: str) -> list[Change]:
        """What is not as release ``digest`` says. Writes nothing."""
        changes = []
        marker = self.folder.load(MARKER_FILE)
        if marker:
            text = f"the deploy of {marker.get('digest')} was cut off; it was not promoted"
            changes.append(Change("release", self.name, "finish", text))
        current = self.folder.linked("current")
        if current != digest:
            changes.append(Change("release", self.name, "update", f"{current or 'nothing'} -> {digest}"))
        release = self.folder.kept(current)
        if release is None:
            return changes
        changes += [
            Change("file", f"{release.folder}/{path}", "update", "is not as it was placed")
            for path in self.folder.differing(release)
        ]
        changes += [
            Change("file", f"{self.folder.store}/{link}", "update", "is not as it was placed")
            for link in self.folder.differing_mounts(release, release.promoted.get("mounts", {}))
        ]
        changes += [
            Change("service", trial.service, "remove", "the trial of a release was cut off")
            for trial in self.docker.trials(self.project)
        ]
        return changes + self._service_differences(release)

    def _service_differences(self, release: KeptRelease) -> list[Change]:
        containers = self.docker.containers(self.project)
        one_shots = release.document["gate"]["one_shots"]
        expected: dict[str, dict[str, Any]] = release.promoted.get("services", {})
        changes = []
        for service, entry in sorted(expected.items()):
            mine = [container for container in containers if container.service == service]
            if len(mine) != entry["containers"]:
                text = f"{len(mine)} of {entry['containers']} containers"
                action = "create" if len(mine) < entry["containers"] else "remove"
                changes.append(Change("service", service, action, text))
            for container in mine:
                if container.config_hash != entry["hash"]:
                    changes.append(Change("service", service, "recreate", "it was made from another configuration"))
                elif service in one_shots and container.state == "exited":
                    continue
                elif container.state != "running":
                    changes.append(Change("service", service, "start", f"it is {container.state}"))
        for service in sorted({container.service for container in containers} - expected.keys()):
            changes.append(Change("service", service, "remove", "the release does not have it"))
        return changes

    def listing(self) -> list[dict[str, Any]]:
        """Every release that is here."""
        current, last_good = self.folder.linked("current"), self.folder.linked("last-good")
        return [
            {
                "digest": release.digest,
                "current": release.digest == current,
                "last_good": release.digest == last_good,
                "promoted": release.promoted.get("when", ""),
                "images": release.images,
                "data_versions": release.data_versions,
                "files": {file["path"]: file["content"] for file in release.document["files"]},
                "no_way_back": self._data_changes(release),
            }
            for release in self.folder.all_kept()
        ]

    def document(self) -> dict[str, Any]:
        """The report, with what is here now."""
        return {
            "bundle": self.name,
            "current": self.folder.linked("current"),
            "last_good": self.folder.linked("last-good"),
            "changes": [change.document() for change in self.work.changes],
            "services": [
                {
                    "service": container.service,
                    "container": container.id,
                    "image": container.image,
                    "state": container.state,
                    "health": container.health,
                    "started_at": container.started_at if container.was_started else "",
                    "restarts": container.restarts,
                }
                for container in self.docker.containers(self.project)
            ],
            "waiting": self.work.waiting,
            "pulled": self.work.pulled,
            "pruned": self.work.pruned,
            "interrupted": self.work.interrupted,
        }

    # --- before anything is touched ---

    def _find_interrupted(self) -> None:
        self.work.interrupted = self.folder.load(MARKER_FILE).get("digest", "")

    def _data_versions(self) -> dict[str, str]:
        versions: dict[str, str] = self.folder.load(DATA_FILE).get("versions", {})
        return versions

    def _data_changes(self, release: KeptRelease) -> list[str]:
        written = self._data_versions()
        return [
            f"the data of {name} may have been written by {written[name]}, and release {release.digest} has {version}"
            for name, version in sorted(release.data_versions.items())
            if name in written and written[name] != version
        ]

    def _data_not_older(self, versions: dict[str, str], what: str) -> None:
        written = self._data_versions()
        for name, version in sorted(versions.items()):
            if name in written and _order(version) < _order(written[name]):
                raise ReleaseFailed(
                    "roll-back",
                    f"{what} has {name} {version}, and its data may have been written by {written[name]}. An older "
                    f"version must not open it: restore a backup that was made with {version}, or deploy a release "
                    f"with {name} {written[name]} or newer",
                )

    # --- the one way to a running release ---

    def _to(self, release: KeptRelease, missing: list[str]) -> None:
        ready = self._prepare(release)
        self.docker.remove(self.docker.trials(self.project))
        before = self.docker.containers(self.project)
        ours = {port for container in before for port in container.ports}
        need_ports(self._machine, watched_ports(ready.gate) - ours)
        self._pull(missing)
        network = self.docker.make_network("fleet")
        if network is not None:
            raise ReleaseFailed("compose", f"Docker does not make the network fleet: {network.text()}")
        if self._is_running_already(ready):
            # Up would run the one-shots again.
            watch = Watch.of(ready.gate, ready.project, before)
            if watch.look(before, time.time()) is GOOD:
                self._check(ready.gate["checks"], before)
                return
        good = self.folder.kept(self.folder.linked("last-good"))
        if self._data_changes(release):
            self._before_data_change(release, before)
        # One that was promoted before was judged before: the way back is not made longer.
        if not release.promoted:
            self._try(ready, before)
        written = self._data_versions()
        self._mark(release, good)
        try:
            self._bring_up(ready, before)
        except ReleaseFailed as red:
            red.consequence = self._after_red(release, good, before, written)
            raise
        after = self.docker.containers(self.project)
        services = {
            service: {
                "containers": replicas(ready.project["services"][service]),
                "hash": next((item.config_hash for item in after if item.service == service), ""),
            }
            for service in ready.project["services"]
        }
        promoted = {"when": utc_now(), "who": self._who, "services": services, "mounts": ready.mounts.links}
        if self.folder.linked("current") != release.digest:
            text = f"{self.folder.linked('current') or 'nothing'} -> {release.digest}"
            self.work.changes.insert(0, Change("release", self.name, "update", text))
        self.folder.promote(release, promoted)
        self._prune()

    def _is_running_already(self, ready: Ready) -> bool:
        return not ready.repaired and not self.differences(ready.release.digest)

    def _pull(self, missing: list[str]) -> None:
        for image in missing:
            outcome = self.docker.pull(image, PULL_SECONDS)
            if outcome.status:
                raise ReleaseFailed("pull", f"image {image} is not here and could not be pulled: {outcome.text()}")
            self.work.pulled.append(image)

    def _prepare(self, release: KeptRelease) -> Ready:
        compose = os.path.join(release.folder, COMPOSE_FILE)
        arguments = ("--project-name", self.project, "--file", compose, "config", "--format", "json")
        outcome = self.docker.compose(*arguments, seconds=60.0)
        if outcome.status:
            raise ReleaseFailed("compose", f"Compose refuses {COMPOSE_FILE}: {_reason(outcome)}")
        project = json.loads(outcome.out)
        if not project.get("services"):
            raise ReleaseFailed("compose", f"{COMPOSE_FILE} has no services")
        for name, service in project["services"].items():
            if service.get("image") not in release.images:
                raise ReleaseFailed(
                    "compose",
                    f"service {name} runs {service.get('image') or 'an image of its own making'}, which is not one of "
                    "the release's pinned images",
                )
        unknown = [name for name in release.document["gate"]["one_shots"] if name not in project["services"]]
        judged = (*_checks(release), *_trials(release))
        unknown += [item["service"] for item in judged if item["service"] not in project["services"]]
        if unknown:
            raise ReleaseFailed("compose", f"the gate speaks of service {unknown[0]}, which {COMPOSE_FILE} has not")
        try:
            mounts = mounts_of(project, release.folder, self.folder.store, release.versions)
        except NotMountable as problem:
            raise ReleaseFailed("compose", str(problem)) from None
        repaired = self.folder.place_mounts(release, mounts)
        self.work.changes += [
            Change("file", f"{self.folder.store}/{link}", "update", "was not as it was placed") for link in repaired
        ]
        return Ready(release, project, mounts, frozenset(repaired.values()))

    def _before_data_change(self, release: KeptRelease, before: list[Container]) -> None:
        for command in release.document["before_data_change"]:
            running = [item for item in before if item.service == command["service"] and item.state == "running"]
            if not running:
                raise ReleaseFailed(
                    "data", f"{command['name']} was to run in service {command['service']}, which does not run here"
                )
            outcome = self.docker.execute(running[0], command["argv"], PREPARE_SECONDS)
            if outcome.status:
                raise ReleaseFailed("data", f"{command['name']} failed (exit {outcome.status}): {outcome.text()}")

    def _try(self, ready: Ready, before: list[Container]) -> None:
        """Run what may run twice beside what runs, for no longer than its judgement takes."""
        running = {container.service: container for container in before if container.state == "running"}
        due = [trial for trial in _trials(ready.release) if trial["service"] in running]
        if not due:
            return  # Compose need not be asked.
        outcome = self.docker.compose(*self._files(ready.release), "config", "--hash", "*", seconds=60.0)
        hashes = dict(line.split() for line in outcome.out.splitlines() if len(line.split()) == 2)
        due = [trial for trial in due if hashes.get(trial["service"]) != running[trial["service"]].config_hash]
        limits = {trial["service"]: _limit_bytes(ready.project["services"][trial["service"]]) for trial in due}
        for trials in [due] if due and fit_in_memory(limits.values()) else [[trial] for trial in due]:
            try:
                self._judge_trials(ready, trials)
            finally:
                self.docker.remove(self.docker.trials(self.project))

    def _judge_trials(self, ready: Ready, trials: list[dict[str, Any]]) -> None:
        timeout = ready.gate["timeout_seconds"]
        for trial in trials:
            service = trial["service"]
            words = [f"--env={name}={value}" for name, value in {**trial["environment"], "FLEET_TRIAL": "true"}.items()]
            outcome = self.docker.compose(
                *self._files(ready.release),
                *("run", "--detach", "--no-deps", "--name", f"{self.project}-trial-{service}", *words, service),
                seconds=timeout,
                holding=(self._lock,),
            )
            if outcome.status:
                raise self._red(Verdict("red", service, _reason(outcome)))
        services = {trial["service"]: 1 for trial in trials}
        watch = Watch(ready.gate["settle_seconds"], frozenset(), frozenset(), services, {})
        containers = self._until_good(watch, lambda: self.docker.trials(self.project), time.time() + timeout, timeout)
        self._check([check for check in ready.gate["checks"] if check["service"] in services], containers)

    def _mark(self, release: KeptRelease, good: KeptRelease | None) -> None:
        """Before the first start: whatever happens from here on, an older version will not open the data."""
        if release.data_versions:
            self.folder.save(DATA_FILE, {"versions": {**self._data_versions(), **release.data_versions}})
        data_changed = good is not None and bool(self._data_changes(good))
        marker = {"digest": release.digest, "who": self._who, "since": utc_now(), "data_changed": data_changed}
        self.folder.save(MARKER_FILE, marker)

    def _bring_up(self, ready: Ready, before: list[Container]) -> None:
        """Start the release and judge it; raises ReleaseFailed("gate")."""
        timeout = ready.gate["timeout_seconds"]
        watch = Watch.of(ready.gate, ready.project, before)
        outcome = self._up(ready.release, timeout + UP_MARGIN_SECONDS)
        after = self.docker.containers(self.project)
        self._tell_services(before, after)
        if outcome.status:
            verdict = watch.look(after, time.time())
            named = verdict if verdict.state == "red" else Verdict("red")
            reason = f"{named.reason}\n{_reason(outcome)}" if named.reason else _reason(outcome)
            raise self._red(Verdict("red", named.service, reason, named.container))
        stale = [item for item in after if ready.repaired & ready.mounts.services.get(item.service, frozenset())]
        stale = [item for item in stale if item.id in {old.id for old in before}]
        if stale:
            self.docker.restart(stale, STOP_SECONDS)
            self.work.changes += [
                Change("service", item.service, "restart", "a file that it mounts was put right") for item in stale
            ]
        self._gate(ready, watch, time.time() + timeout)

    def _up(self, release: KeptRelease, seconds: float) -> Outcome:
        return self.docker.compose(
            *self._files(release),
            *("up", "--detach", "--remove-orphans", "--no-build", "--pull", "never", "--quiet-pull"),
            seconds=seconds,
            holding=(self._lock,),
        )

    def _files(self, release: KeptRelease) -> tuple[str, ...]:
        files = (os.path.join(release.folder, name) for name in (COMPOSE_FILE, MOUNTS_FILE))
        return ("--project-name", self.project, *(argument for file in files for argument in ("--file", file)))

    def _gate(self, ready: Ready, watch: Watch, deadline: float) -> None:
        timeout = ready.gate["timeout_seconds"]
        containers = self._until_good(watch, lambda: self.docker.containers(self.project), deadline, timeout)
        self._check(ready.gate["checks"], containers)

    def _until_good(
        self, watch: Watch, look: Callable[[], list[Container]], deadline: float, timeout: float
    ) -> list[Container]:
        """What was there when the watch was content; raises ReleaseFailed("gate") if it will not be."""
        while True:
            containers = look()
            verdict = watch.look(containers, time.time())
            if verdict is GOOD:
                return containers
            if verdict.state == "red":
                raise self._red(verdict)
            if time.time() > deadline:
                waited = f"{verdict.reason}, after {timeout:g} s"
                raise self._red(Verdict("red", verdict.service, waited, verdict.container))
            time.sleep(POLL_SECONDS)

    def _check(self, checks: list[dict[str, Any]], containers: list[Container]) -> None:
        self.work.waiting = []
        for check in checks:
            container = next(item for item in containers if item.service == check["service"])
            for attempt in range(1, CHECK_ATTEMPTS + 1):
                outcome = self.docker.execute(container, check["argv"], CHECK_SECONDS)
                if outcome.status in (0, WAITING):
                    break
                if attempt == CHECK_ATTEMPTS:
                    reason = f"fails the check {check['name']} (exit {outcome.status}): {outcome.text()}"
                    raise self._red(Verdict("red", check["service"], reason, container))
                time.sleep(1.0)
            if outcome.status == WAITING:
                said = outcome.text() if outcome.out or outcome.err else ""
                self.work.waiting.append({"name": check["name"], "service": check["service"], "said": said})

    def _red(self, verdict: Verdict) -> ReleaseFailed:
        log = self.docker.log(verdict.container) if verdict.container is not None else ""
        return ReleaseFailed("gate", verdict.reason, verdict.service, log)

    def _tell_services(self, before: list[Container], after: list[Container]) -> None:
        old = {item.service: item for item in before}
        new = {item.service for item in after}
        for item in after:
            was = old.get(item.service)
            if was is None:
                self.work.changes.append(Change("service", item.service, "create"))
            elif item.id not in {container.id for container in before}:
                self.work.changes.append(Change("service", item.service, "recreate"))
            elif item.started_at != was.started_at:
                self.work.changes.append(Change("service", item.service, "start"))
        for service in sorted(old.keys() - new):
            self.work.changes.append(Change("service", service, "remove"))

    # --- afterwards ---

    def _after_red(
        self, release: KeptRelease, good: KeptRelease | None, before: list[Container], written: dict[str, str]
    ) -> str:
        """Make the bundle's state a defined one again; returns what was kept and what runs now."""
        kept = f"The files of {release.digest} stay in {release.folder} for a look."
        old = {item.id for item in before}
        new = [item for item in self.docker.containers(self.project) if item.id not in old]
        if not any(item.was_started for item in new):
            self.folder.save(DATA_FILE, {"versions": written})
        data_changed = self._data_changes(good) if good else []
        if data_changed:
            self.docker.compose(*self._files(release), "stop", seconds=STOP_SECONDS, holding=(self._lock,))
            return (
                f"{'; '.join(data_changed)}: so that one was not started again. {self.project} is stopped, its data is "
                "kept. Restore a backup made with the older version, or deploy a corrected release with the newer "
                f"one. {kept}"
            )
        if good is None:
            arguments = (*self._files(release), "down", "--remove-orphans")
            self.docker.compose(*arguments, seconds=STOP_SECONDS, holding=(self._lock,))
            self.folder.forget(MARKER_FILE)
            return (
                f"It was the first release of {self.name}, so it was taken down: nothing runs. Volumes are kept. {kept}"
            )
        if good.digest == release.digest:
            self.folder.forget(MARKER_FILE)
            return "It is the last good release itself: there is none to go back to, and it was left as it is."
        try:
            # Not its ports: what it published before, it may publish again.
            self._bring_up(self._prepare(good), self.docker.containers(self.project))
        except ReleaseFailed as worse:
            return (
                f"The last good release {good.digest} was deployed again and does not run as it must either: "
                f"{worse.service} {worse}. {kept}"
            )
        self.folder.forget(MARKER_FILE)
        return f"The last good release {good.digest} runs again. {kept}"

    def _prune(self) -> None:
        removed = self.folder.prune()
        self.work.pruned = [release.digest for release in removed]
        in_use = all_images(self._machine)
        for image in sorted({image for release in removed for image in release.images} - in_use):
            self.docker.remove_image(image)


def _checks(release: KeptRelease) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = release.document["gate"]["checks"]
    return checks


def _trials(release: KeptRelease) -> list[dict[str, Any]]:
    # A release that is kept from before there were trials has none.
    trials: list[dict[str, Any]] = release.document.get("trials", [])
    return trials


def _limit_bytes(service: dict[str, Any]) -> int | None:
    """A service's ``mem_limit`` as ``docker compose config`` gives it: bytes, in quotes; None without one."""
    limit = service.get("mem_limit")
    return None if limit is None else int(limit)


def _order(version: str) -> list[tuple[int, str]]:
    """Versions in their order: 9.10 after 9.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[a-z]+", version.lower())]


def _reason(outcome: Outcome) -> str:
    lines = [line for line in outcome.err.splitlines() if line.strip() and not _PROGRESS.match(line)]
    return "\n".join(lines)[-1500:] or outcome.text()
