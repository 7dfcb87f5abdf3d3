"""Where a release's files are mounted from: paths that stay while the contents do.

A release's folder changes its name with every change, and Compose makes a service anew when one of its mounts has
another path. So each file or folder that a service mounts is mounted from a folder named for what is in it. These
paths go to Compose as a second file, ``mounts.json``, over the release's own ``compose.yaml``.

Pure functions: nothing is read or written here.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

FILES_LABEL = "fleet.files"
HASH_CHARACTERS = 16


class NotMountable(ValueError):
    """The Compose file mounts from the release what is not there."""


@dataclass(frozen=True)
class Mounts:
    """What a release's services mount of its files."""

    overlay: dict[str, Any]
    """the second Compose file"""
    links: dict[str, str]
    """path below the bundle's folder of mounted files -> path in the release"""
    services: dict[str, frozenset[str]]
    """service -> the release's files that it mounts"""


def version_of(content: str, mode: int, uid: int) -> str:
    """What tells one state of a file from another; ``content`` with references instead of secrets."""
    return hashlib.sha256(json.dumps([content, mode, uid]).encode()).hexdigest()


def mounts_of(project: dict[str, Any], release: str, store: str, versions: dict[str, str]) -> Mounts:
    """Read off ``docker compose config --format json`` what is mounted from the folder ``release``.

    ``store``: the folder to mount from. ``versions``: of each file of the release.

    Raises:
        NotMountable: a mount's source is in the release's folder, but the release has no such file.
    """
    links: dict[str, str] = {}
    sources: dict[str, dict[str, tuple[str, list[str]]]] = {}

    def stored(path: str, place: str) -> tuple[str, list[str]] | None:
        inside = os.path.relpath(os.path.normpath(path), release)
        if inside.startswith(".."):
            return None
        members = sorted(name for name in versions if name == inside or name.startswith(f"{inside}/"))
        if not members:
            raise NotMountable(f"{place} mounts ./{inside}, and the release has no such file")
        listed = json.dumps([[os.path.relpath(name, inside), versions[name]] for name in members])
        folder = hashlib.sha256(listed.encode()).hexdigest()[:HASH_CHARACTERS]
        base = os.path.join(folder, os.path.basename(inside))
        for name in members:
            links[os.path.normpath(os.path.join(base, os.path.relpath(name, inside)))] = name
        return os.path.join(store, base), members

    overlay: dict[str, Any] = {"services": {}}
    for kind in ("configs", "secrets"):
        for name, item in (project.get(kind) or {}).items():
            found = stored(item["file"], f"{kind}.{name}") if item.get("file") else None
            if found:
                overlay.setdefault(kind, {})[name] = {"file": found[0]}
                sources.setdefault(kind, {})[name] = found
    services: dict[str, frozenset[str]] = {}
    for name, service in project["services"].items():
        mounted = []
        volumes = []
        for volume in service.get("volumes") or ():
            found = stored(volume["source"], f"service {name}") if volume["type"] == "bind" else None
            if found:
                # Merged with the release's own entry by its target.
                volumes.append(
                    {**volume, "source": found[0], "bind": {**(volume.get("bind") or {}), "create_host_path": False}}
                )
                mounted.append(found)
        for kind in ("configs", "secrets"):
            for use in service.get(kind) or ():
                found = sources.get(kind, {}).get(use["source"])
                mounted += [found] if found else []
        if not mounted:
            continue
        addresses = json.dumps(sorted(path for path, _ in mounted))
        label = hashlib.sha256(addresses.encode()).hexdigest()[:HASH_CHARACTERS]
        overlay["services"][name] = {"labels": {FILES_LABEL: label}}
        if volumes:
            overlay["services"][name]["volumes"] = volumes
        services[name] = frozenset(member for _, members in mounted for member in members)
    return Mounts(overlay, links, services)
