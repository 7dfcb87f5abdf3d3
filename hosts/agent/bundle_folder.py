"""What a host keeps of a bundle, below ``/opt/fleet/<bundle>``; all of it root's alone.

``releases/<digest>/``: the files of one release, ``mounts.json`` (Compose's second file), ``release.json`` (the release
with references instead of secrets, and a checksum of each file) and, once it passed its gate, ``promoted.json``.
``files/<hash>/``: what containers mount, hard links to files of releases. ``current``, ``last-good``: links to
releases. ``history.json``: promoted digests, oldest first. ``data.json``: the versions that may have written the data.
``deploying.json``: there from before the first container is touched until the gate has judged; whoever finds it without
a run at work knows that one was cut off.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from typing import Any

from .boot_program import FOLDER, MARKER_FILE, MOUNTS_FILE
from .machine import Machine
from .mounts import Mounts, version_of
from .placement import move_into_place

RELEASE_FILE, PROMOTED_FILE, HISTORY_FILE, DATA_FILE = "release.json", "promoted.json", "history.json", "data.json"
NEW, OLD = ".new-", ".old-"
"""What begins so is half-written, or about to be replaced."""
KEPT_RELEASES = 5
_REFERENCE = re.compile(r"secret:[^\s#\"']+")
"""Without its fingerprint: another value of the same secret is no other secret (``fleet.secrets.reference``)."""


def utc_now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class KeptRelease:
    """A release on this host."""

    digest: str
    folder: str
    document: dict[str, Any]
    """as ``hosts.release.Release`` writes itself, with references instead of secrets"""
    files: dict[str, dict[str, Any]]
    """by path: version, checksum, mode, uid"""
    promoted: dict[str, Any]
    """when it passed its gate, and the services' configuration hashes; empty if it never did"""

    @property
    def images(self) -> list[str]:
        return list(self.document["images"])

    @property
    def data_versions(self) -> dict[str, str]:
        return dict(self.document["data_versions"])

    @property
    def secrets(self) -> set[str]:
        """The references to secrets in its files, in whose place the files on this host have the secrets."""
        return {found for file in self.document["files"] for found in _REFERENCE.findall(file["content"])}

    @property
    def versions(self) -> dict[str, str]:
        return {path: file["version"] for path, file in self.files.items()}


class BundleFolder:
    """The folder of one bundle. Whoever changes it holds the bundle's lock."""

    def __init__(self, machine: Machine, bundle: str) -> None:
        self._machine = machine
        self.bundle = bundle
        self.path = machine.at(f"{FOLDER}/{bundle}")
        self.releases = os.path.join(self.path, "releases")
        self.store = os.path.join(self.path, "files")

    def make(self) -> None:
        """The folders, and away with what a run left half-written."""
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        # A bundle's compose files and env files are nobody's but root's; mounts do not need the way to them.
        for folder in (self.path, self.releases, self.store):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        for name in os.listdir(self.releases):
            if name.startswith(OLD) and not os.path.lexists(whole := os.path.join(self.releases, name[len(OLD) :])):
                os.rename(os.path.join(self.releases, name), whole)
        for folder in (self.path, self.releases, self.store):
            for name in os.listdir(folder):
                if name.startswith((NEW, OLD)):
                    _remove(os.path.join(folder, name))

    # --- small documents ---

    def load(self, name: str) -> dict[str, Any]:
        """{} where it is missing or damaged."""
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as file:
                document = json.load(file)
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def save(self, name: str, document: dict[str, Any]) -> None:
        path = os.path.join(self.path, name)
        temporary = os.path.join(os.path.dirname(path), f"{NEW}{os.path.basename(path)}")
        _write(temporary, json.dumps(document, indent=1).encode(), 0o600, 0)
        move_into_place(temporary, path)

    def forget(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, name))

    # --- releases ---

    def linked(self, link: str) -> str:
        """The digest that ``current`` or ``last-good`` names; empty if there is none."""
        try:
            return os.path.basename(os.readlink(os.path.join(self.path, link)))
        except OSError:
            return ""

    def kept(self, digest: str) -> KeptRelease | None:
        """A release that is here whole; None otherwise."""
        folder = os.path.join(self.releases, digest)
        known = self.load(f"releases/{digest}/{RELEASE_FILE}") if digest else {}
        if not known:
            return None
        promoted = self.load(f"releases/{digest}/{PROMOTED_FILE}")
        return KeptRelease(digest, folder, known["release"], known["files"], promoted)

    def all_kept(self) -> list[KeptRelease]:
        """Newest promotion first; what was never promoted last."""
        try:
            names = sorted(os.listdir(self.releases))
        except FileNotFoundError:
            return []
        found = [release for name in names if (release := self.kept(name)) is not None]
        order = {digest: number for number, digest in enumerate(self.history())}
        return sorted(
            found,
            key=lambda release: (release.promoted.get("when", ""), order.get(release.digest, -1)),
            reverse=True,
        )

    def history(self) -> list[str]:
        return list(self.load(HISTORY_FILE).get("promoted", ()))

    def previous(self) -> str:
        """The release that was promoted before the current one and is still here; empty if there is none."""
        history = self.history()
        if history and history[-1] == self.linked("current"):
            history = history[:-1]
        return next((digest for digest in reversed(history) if self.kept(digest)), "")

    def place(self, digest: str, document: dict[str, Any], files: list[dict[str, Any]]) -> KeptRelease:
        """Write a release beside the others, whole or not at all. What is here already and as it must be stays."""
        described = {}
        unfilled = {file["path"]: file["content"] for file in document["files"]}
        for file in files:
            described[file["path"]] = {
                "version": version_of(unfilled[file["path"]], file["mode"], file["uid"]),
                "checksum": checksum(file["content"].encode()),
                "mode": file["mode"],
                "uid": file["uid"],
            }
        present = self.kept(digest)
        if present is not None and present.files == described and not self.differing(present):
            return present
        folder, staging = os.path.join(self.releases, digest), os.path.join(self.releases, f"{NEW}{digest}")
        os.mkdir(staging, 0o700)
        for file in files:
            path = os.path.join(staging, file["path"])
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            _write(path, file["content"].encode(), file["mode"], file["uid"])
        for name in (MOUNTS_FILE, PROMOTED_FILE):
            if present is not None and (known := self.load(f"releases/{digest}/{name}")):
                _write(os.path.join(staging, name), json.dumps(known).encode(), 0o600, 0)
        # Last: a folder without it is no release.
        whole = json.dumps({"release": document, "files": described}).encode()
        _write(os.path.join(staging, RELEASE_FILE), whole, 0o600, 0)
        if os.path.lexists(folder):
            os.rename(folder, os.path.join(self.releases, f"{OLD}{digest}"))
        move_into_place(staging, folder)
        shutil.rmtree(os.path.join(self.releases, f"{OLD}{digest}"), ignore_errors=True)
        placed = self.kept(digest)
        assert placed is not None
        return placed

    def differing(self, release: KeptRelease) -> list[str]:
        """Files of a release that are not as they were placed, by path."""
        return [path for path, file in release.files.items() if not _is(os.path.join(release.folder, path), file)]

    def differing_mounts(self, release: KeptRelease, mounts: dict[str, str]) -> dict[str, str]:
        """Of the mounted files those that are not as the release says: path below ``store`` -> path in the release."""
        return {
            link: path for link, path in mounts.items() if not _is(os.path.join(self.store, link), release.files[path])
        }

    def place_mounts(self, release: KeptRelease, mounts: Mounts) -> dict[str, str]:
        """Make what the services mount; returns what stood there and was put right, as ``differing_mounts``."""
        wrong = self.differing_mounts(release, mounts.links)
        repaired = {}
        for link, path in wrong.items():
            target = os.path.join(self.store, link)
            if os.path.lexists(target):
                repaired[link] = path
            os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
            neighbour = os.path.join(self.store, f"{NEW}{checksum(link.encode())[:16]}")
            os.link(os.path.join(release.folder, path), neighbour)
            move_into_place(neighbour, target)
        self.save(f"releases/{release.digest}/{MOUNTS_FILE}", mounts.overlay)
        return repaired

    def promote(self, release: KeptRelease, promoted: dict[str, Any]) -> None:
        """From now on this is what runs here and what a red gate goes back to."""
        history = self.history()
        # A roll-back takes what came after its target out of the history: the next one goes further back.
        history = history[: history.index(release.digest)] if release.digest in history else history
        self.save(f"releases/{release.digest}/{PROMOTED_FILE}", promoted)
        self.save(HISTORY_FILE, {"promoted": [*history, release.digest]})
        for link in ("last-good", "current"):
            temporary = os.path.join(self.path, f"{NEW}{link}")
            if os.path.lexists(temporary):
                os.unlink(temporary)
            os.symlink(os.path.join("releases", release.digest), temporary)
            move_into_place(temporary, os.path.join(self.path, link))
        self.forget(MARKER_FILE)

    def prune(self) -> list[KeptRelease]:
        """Remove all but the current and the last promoted releases, and mounted files of none; returns the removed.

        Nor is a release kept that has a secret which the current one has not: this host may not have it any more.
        """
        keep = {self.linked("current"), self.linked("last-good")}
        releases = self.all_kept()
        wanted: set[str] = set().union(*(release.secrets for release in releases if release.digest in keep))
        for release in releases:
            if len(keep) < KEPT_RELEASES and release.promoted and release.secrets <= wanted:
                keep.add(release.digest)
        removed = [release for release in releases if release.digest not in keep]
        for release in removed:
            shutil.rmtree(release.folder)
        mounted = set()
        for release in releases:
            if release not in removed:
                mounted |= {link.partition("/")[0] for link in release.promoted.get("mounts", {})}
        for name in os.listdir(self.store):
            if name not in mounted:
                shutil.rmtree(os.path.join(self.store, name))
        return removed

    def clear(self) -> None:
        """Away with every release and what containers mount of them; what is known of the data stays."""
        for name in ("current", "last-good", MARKER_FILE):
            self.forget(name)
        for folder in (self.releases, self.store):
            shutil.rmtree(folder, ignore_errors=True)


def all_images(machine: Machine) -> set[str]:
    """The images of every release of every bundle on this host."""
    images: set[str] = set()
    with contextlib.suppress(FileNotFoundError):
        for bundle in os.listdir(machine.at(FOLDER)):
            for release in BundleFolder(machine, bundle).all_kept():
                images |= set(release.images)
    return images


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _write(path: str, content: bytes, mode: int, uid: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchown(file.fileno(), uid, uid)
        os.fchmod(file.fileno(), mode)


def _is(path: str, file: dict[str, Any]) -> bool:
    try:
        with open(path, "rb") as opened:
            status = os.fstat(opened.fileno())
            same = checksum(opened.read()) == file["checksum"]
    except OSError:
        return False
    return same and (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (file["mode"], file["uid"], file["uid"])
