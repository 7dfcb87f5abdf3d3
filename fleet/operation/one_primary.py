"""QuestDB Enterprise with one object store has one primary. A run that would make a second one is refused.

Known is what the stacks' states say: a host whose own stack was not brought up since still runs what it had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import yaml

from fleet.configuration import Configuration
from fleet.model.bundles import QUESTDB
from fleet.operation.recorded import Recorded, recorded_releases
from fleet.workspace import Workspace
from hosts.release import COMPOSE_FILE

ROLE = "QDB_REPLICATION_ROLE"
PRIMARY = "primary"


class PrimaryElsewhere(Exception):
    """Another host has the primary by the state of its stack."""

    exit_code = 3


def has_primary(releases: Iterable[Recorded]) -> bool:
    """Whether one of a host's releases is a database in the role of the primary."""
    return any(_role(release) == PRIMARY for release in releases)


def refuse_second_primary(configuration: Configuration, workspace: Workspace, wanted: Collection[str]) -> None:
    """Refuse to bring the hub up with the primary while another host still has it.

    Raises:
        PrimaryElsewhere: names that host, and what to do first.
    """
    hub = configuration.fleet.hub
    if configuration.fleet.questdb.edition != "enterprise" or hub not in wanted:
        return
    others = [name for name in configuration.stacks if name != hub]
    if found := [name for name in others if has_primary(recorded_releases(workspace, name))]:
        names = " ".join(found)
        raise PrimaryElsewhere(
            f"{hub} would be a second primary on the object store: by the state of its stack {names} is one. Nothing "
            f"was changed. First make it a replica: fleet up {names} - or, where the server is lost: fleet down {names}"
        )


def _role(release: Recorded) -> str:
    compose = yaml.safe_load(release.get("files", {}).get(COMPOSE_FILE, "")) or {}
    service = compose.get("services", {}).get(QUESTDB, {})
    return str((service.get("environment") or {}).get(ROLE, ""))
