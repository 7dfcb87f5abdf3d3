"""A fleet on paper: the real engine and the clouds' stand-ins are there, servers are not."""

from __future__ import annotations

import os
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from fleet.configuration import load
from fleet.operation.initialise import initialise
from fleet.operation.run import preview, selected
from fleet.rehearsal.credentials import make_up_credentials
from fleet.rehearsal.images import write_images
from fleet.rehearsal.project import LabFacts, prepare_project
from fleet.workspace import Workspace
from lab import registry
from lab.cloud.environment import environment, install_plugins
from lab.settings import CHECKOUT, LabHome


def fleet_on_paper(home: Path, root: Path, open_regions: tuple[str, ...]) -> Workspace:
    """A project of its own against a lab of its own; nothing was brought up yet."""
    LabHome(home).configure(servers=False)
    install_plugins(home)
    variables = environment(home)
    for _ in initialise(root, variables["PULUMI_BACKEND_URL"], environment=variables):
        pass
    facts = LabFacts(
        operator=IPv4Network("198.18.60.1/32"),
        mesh_cidr=IPv4Network("198.18.48.0/22"),
        docker_pool=IPv4Network("198.18.52.0/22"),
        hub_address="198.18.34.100",
        hub_host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q",
        hub_public_port=8080,
        open_regions=open_regions,
    )
    prepare_project(CHECKOUT, root, facts)
    write_images(CHECKOUT, root, registry.images(LabHome(home)))
    workspace = Workspace.open(root)
    make_up_credentials(load(root), workspace.open_secrets())
    return workspace


HOST_PARTS = ("BaseHost", "MeshNode", "BundleRelease")


def create_servers(workspace: Workspace, stack: str) -> None:
    """Bring a stack's provider resources up; there is no host on which its parts could be applied."""
    if errors := preview(workspace, stack, lambda stack, line: None).errors:
        raise AssertionError(errors)
    selected(workspace, stack).up(exclude=[f"**infra:{part}::{stack}**" for part in HOST_PARTS], color="never")


def pulumi(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The engine as people run it in the fleet's folder (``eval "$(fleet engine env)"``)."""
    return subprocess.run(
        ["pulumi", *arguments, "--non-interactive", "--color", "never"],
        cwd=workspace.root,
        env={**os.environ, **workspace.engine_environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
