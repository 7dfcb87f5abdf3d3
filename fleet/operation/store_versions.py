"""Another version of QuestDB or Redis comes to the regions' hosts before it comes to the hub's, where the primary is.

What a host has is in its stack's state; what it is to have follows from ``images.yaml``. A change is looked for where
it would matter: on the hub.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fleet.configuration import Configuration
from fleet.operation.recorded import Recorded, recorded_releases
from fleet.secrets import Vault
from fleet.workspace import Workspace
from hosts.release import Release
from infra.bundles.host_bundles import releases_of


class ReplicasComeFirst(Exception):
    """The primary's host would get a store's new version before a replica's host does."""

    exit_code = 3


@dataclass(frozen=True)
class VersionChange:
    """A store that has one version on the hub and is to have another."""

    store: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.store} {self.before} -> {self.after}"


def recorded_versions(releases: Iterable[Recorded]) -> dict[str, str]:
    """The versions of a host's stores, by name, out of its recorded releases."""
    settings = (json.loads(release.get("settings", "{}")) for release in releases)
    return {name: version for each in settings for name, version in each.get("data_versions", {}).items()}


def changes(recorded: Mapping[str, str], releases: Iterable[Release]) -> tuple[VersionChange, ...]:
    """What differs between what a host has and what it is to have. A store that is not there yet is no change."""
    wanted = {name: version for release in releases for name, version in release.data_versions.items()}
    return tuple(
        VersionChange(name, recorded[name], version)
        for name, version in sorted(wanted.items())
        if recorded.get(name, version) != version
    )


def replicas_first(
    configuration: Configuration, workspace: Workspace, vault: Vault, waves: tuple[tuple[str, ...], ...]
) -> tuple[tuple[tuple[str, ...], ...], tuple[VersionChange, ...]]:
    """The same stacks with the hub last, if the run brings it another version of a store; and which.

    Raises:
        ReplicasComeFirst: the run has the hub and leaves out a region that still has the old version.
    """
    hub = configuration.fleet.hub
    wanted = {stack for wave in waves for stack in wave}
    if hub not in wanted:
        return waves, ()
    found = _changes_of(configuration, workspace, vault, hub)
    if not found:
        return waves, ()
    stores = {change.store for change in found}
    left_out = [name for name in configuration.addresses.regions if name not in wanted]
    behind = [
        name
        for name in left_out
        if any(change.store in stores for change in _changes_of(configuration, workspace, vault, name))
    ]
    if behind:
        raise ReplicasComeFirst(
            f"{', '.join(map(str, found))} on the hub, whose data the regions replicate: they get it first. "
            f"Nothing was changed. Run: fleet up {' '.join((*behind, *_but(wanted, hub), hub))}"
        )
    return hub_last(waves, hub), found


def hub_last(waves: tuple[tuple[str, ...], ...], hub: str) -> tuple[tuple[str, ...], ...]:
    """The same stacks, the hub alone at the end."""
    others = tuple(tuple(name for name in wave if name != hub) for wave in waves)
    return (*(wave for wave in others if wave), (hub,))


def _but(names: Collection[str], one: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name != one))


def _changes_of(
    configuration: Configuration, workspace: Workspace, vault: Vault, stack: str
) -> tuple[VersionChange, ...]:
    recorded = recorded_versions(recorded_releases(workspace, stack))
    if not recorded:
        return ()
    releases = [release for ref in configuration.hosts_of(stack) for release in releases_of(configuration, ref, vault)]
    return changes(recorded, releases)
