"""A fleet that stands in the lab: its project, its workspace, and what the tests and the demo ask of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from fleet.configuration import Configuration, load
from fleet.model.images import IMAGES_FILE
from fleet.operation.hosts_of import RunningHost, running_hosts
from fleet.operation.initialise import initialise
from fleet.rehearsal.credentials import make_up_credentials
from fleet.rehearsal.images import write_images
from fleet.rehearsal.project import LabFacts, prepare_project
from fleet.secrets import Vault
from fleet.workspace import Workspace
from infra.first_boot import DEPLOY_PATH
from lab import registry
from lab.existing import PUBLISHED_PORT
from lab.lab import Lab
from lab.settings import CHECKOUT

OPEN_REGIONS = ("hub", "nj", "sg")
"""What the demo brings up: the hub and the first two phases."""

PROJECT = "project"
"""The folder of the fleet's copied files inside the lab's home."""


@dataclass(frozen=True)
class Stand:
    """A fleet in the lab. Everything is read again when it is asked for: files and stacks change under it."""

    lab: Lab
    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root)

    @property
    def configuration(self) -> Configuration:
        return load(self.root)

    @property
    def vault(self) -> Vault:
        return Vault(self.workspace.open_secrets().master)

    def hosts(self) -> tuple[RunningHost, ...]:
        """The hosts that stand."""
        return running_hosts(self.configuration, self.workspace, self.vault)


def prepare(lab: Lab, progress: Callable[[str], None], open_regions: tuple[str, ...] = OPEN_REGIONS) -> Stand:
    """Everything up to the first ``pulumi up``: secrets, the hub's server, the lab's copies of the fleet's files.

    Raises:
        LabError: the hub's server does not start.
    """
    root = lab.home.path / PROJECT
    environment = lab.environment()
    root.mkdir(parents=True, exist_ok=True)
    for _ in initialise(root, environment["PULUMI_BACKEND_URL"], environment=environment):
        pass
    stand = Stand(lab, root)
    hub = lab.add_existing("hub", stand.vault.ed25519_public(*DEPLOY_PATH))
    ranges = lab.home.ranges
    facts = LabFacts(
        operator=IPv4Network(ranges.machine),
        mesh_cidr=ranges.mesh,
        docker_pool=ranges.docker_pool,
        hub_address=hub.address,
        hub_host_key=hub.host_key,
        hub_public_port=PUBLISHED_PORT,
        open_regions=open_regions,
    )
    if written := prepare_project(CHECKOUT, root, facts):
        progress(f"copied into the lab: {', '.join(written)}")
    if write_images(CHECKOUT, root, registry.images(lab.home)):
        progress(f"{IMAGES_FILE}: the lab's images")
    if made := make_up_credentials(stand.configuration, stand.workspace.open_secrets()):
        progress(f"{made} credentials of venues made up")
    return stand


def clear(lab: Lab) -> None:
    """Remove what the rehearsal left in the lab's home, and the home itself. The lab must be down."""
    for name in (PROJECT, "pulumi", "state"):
        shutil.rmtree(lab.home.path / name, ignore_errors=True)
    shutil.rmtree(lab.home.path, ignore_errors=True)
