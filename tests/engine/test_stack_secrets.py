"""Venues' credentials out of the stacks' own encrypted configuration (``credentials.source: pulumi``)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.catalogue.venues import credential_name
from fleet.configuration import load
from fleet.operation.run import preview, selected, up
from fleet.workspace import Workspace
from fleet.workspace.salt import salt_line
from infra.vault import vault_of
from tests.engine.fleet_fixtures import fleet_on_paper

pytestmark = pytest.mark.engine


def tell(stack: str, line: str) -> None:
    print(f"{stack}: {line}")


def edit(root: Path, name: str, values: dict[str, Any]) -> None:
    document = yaml.safe_load((root / name).read_text())
    for path, value in values.items():
        inner = document
        *parents, last = path.split("/")
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    (root / name).write_text(yaml.safe_dump(document, sort_keys=False))


def pulumi(workspace: Workspace, *words: str) -> None:
    environment = {**os.environ, **workspace.engine_environment()}
    subprocess.run(["pulumi", *words, "--non-interactive"], cwd=workspace.root, env=environment, check=True)


def test_a_region_takes_its_keys_from_its_own_stack(tmp_path: Path) -> None:
    workspace = fleet_on_paper(tmp_path / "home", tmp_path / "root", ("hub", "nj"))
    edit(workspace.root, "fleet.yaml", {"credentials/source": "pulumi"})
    edit(workspace.root, "Pulumi.nj.yaml", {"config/fleet:venues": {"alpaca": "active"}})
    names = [
        credential_name("alpaca", "nj", each) for each in load(workspace.root).venues.by_name["alpaca"].all_credentials
    ]
    assert up(workspace, "addresses", tell).ok

    missing = preview(workspace, "nj", tell)
    key = f"fleet-secrets:{names[0].replace('/', '.')}"
    assert f"no secret {names[0]}: run: pulumi config set --secret {key} --stack nj" in "\n".join(missing.errors)
    assert "Traceback" not in "\n".join(missing.errors)

    # The engine derives one key for both.
    assert salt_line(workspace.root / "Pulumi.nj.yaml") == salt_line(workspace.root / "Pulumi.addresses.yaml") != ""

    # As the message says.
    for name in names:
        pulumi(
            workspace, "config", "set", "--secret", f"fleet-secrets:{name.replace('/', '.')}", f"of {name}", "-s", "nj"
        )
    assert preview(workspace, "nj", tell).errors == ()
    vault = vault_of(workspace)
    assert vault.fill(vault.reference("named", *names[0].split("/"))) == f"of {names[0]}"

    # Encrypted in the file, and in the state only as references.
    kept = (workspace.root / "Pulumi.nj.yaml").read_text() + json.dumps(
        selected(workspace, "nj").export_stack().deployment
    )
    assert "of alpaca" not in kept
    assert "secure:" in kept
