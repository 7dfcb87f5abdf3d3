"""The lab's own copy of a fleet's files, so that rehearsing leaves the checkout as it is.

The programs (``stacks/``) are linked, not copied: what runs in the lab is what runs against the clouds. Copied are the
facts and choices (``fleet.yaml``, ``Pulumi*.yaml``), with the few changed that are different in a lab: who the
operator is, which address ranges are free, where the hub stands; and the fleet's own catalogue as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from fleet.catalogue.overlay import FOLDER
from fleet.workspace.salt import salt_line

DOMAIN = "rehearsal.internal"
"""ICANN keeps .internal for private use: no such name is ever asked for outside."""

ORIGINALS = ".originals"
"""Where a project keeps the files as they were when they were copied."""


@dataclass(frozen=True)
class LabFacts:
    """What is different for a fleet that stands in the lab."""

    operator: IPv4Network
    mesh_cidr: IPv4Network
    docker_pool: IPv4Network
    hub_address: str
    hub_host_key: str
    hub_public_port: int
    """A port that the hub's own platform publishes and that stays open."""
    open_regions: tuple[str, ...]


def prepare_project(checkout: Path, project: Path, facts: LabFacts) -> tuple[str, ...]:
    """Copy a checkout's fleet files into ``project``; returns the names of the files that were (re)written.

    A file is written when it is new or its original in the checkout changed. What happened to the copies since - a
    new mesh epoch, the engine's salt line, an opened region - is kept as long as the original stays the same.
    """
    project.mkdir(parents=True, exist_ok=True)
    (project / ORIGINALS).mkdir(exist_ok=True)
    _link(checkout / "stacks", project / "stacks")
    _copy_catalogue(checkout / FOLDER, project / FOLDER)
    written = []
    for source in sorted([checkout / "fleet.yaml", *checkout.glob("Pulumi*.yaml")]):
        kept = project / ORIGINALS / source.name
        if kept.exists() and kept.read_bytes() == source.read_bytes():
            continue
        document = yaml.safe_load(source.read_text())
        changed = _in_the_lab(source.name, document, facts)
        salt = salt_line(project / source.name)
        (project / source.name).write_text(yaml.safe_dump(changed, sort_keys=False) + salt)
        shutil.copyfile(source, kept)
        written.append(source.name)
    return tuple(written)


def _in_the_lab(name: str, document: Mapping[str, Any], facts: LabFacts) -> dict[str, Any]:
    changed = dict(document)
    if name == "fleet.yaml":
        changed["domain"] = DOMAIN
        changed["operators"] = {**document.get("operators", {}), "addresses": [str(facts.operator)]}
        changed["mesh"] = {**document.get("mesh", {}), "cidr": str(facts.mesh_cidr)}
        changed["docker_pool"] = str(facts.docker_pool)
    elif name == "Pulumi.hub.yaml":
        config = dict(document["config"])
        hosts = dict(config["fleet:hosts"])
        hosts["main"] = {
            **hosts["main"],
            "address": facts.hub_address,
            "host_key": facts.hub_host_key,
            "public_ports": [{"port": facts.hub_public_port, "protocol": "tcp"}],
        }
        config["fleet:hosts"] = hosts
        changed["config"] = config
    elif name == "Pulumi.addresses.yaml":
        changed["config"] = {**document["config"], "fleet:regions": list(facts.open_regions)}
    return changed


def _copy_catalogue(source: Path, copy: Path) -> None:
    """As it is now: rows that went are gone, and what a rehearsal writes there stays in the rehearsal."""
    shutil.rmtree(copy, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, copy)


def _link(target: Path, link: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
