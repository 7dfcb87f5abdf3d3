"""A fleet's folder as the programs find it: the default files, initialised with secrets of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.configuration import load
from fleet.rehearsal.credentials import make_up_credentials
from fleet.secrets import SecretStore
from fleet.workspace import Workspace
from infra.vault import open_vault
from tests.program.recording import Recording, record

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESSES = {"hub": "203.0.113.10", "nj": "198.18.0.11", "sg": "198.18.0.12"}
"""What the ``addresses`` stack exported when the hub, New Jersey and Singapore are open."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for source in (CHECKOUT / "fleet.yaml", *CHECKOUT.glob("Pulumi*.yaml")):
        shutil.copyfile(source, tmp_path / source.name)
    images = yaml.safe_load((CHECKOUT / "images.yaml").read_text())
    pinned = {key: {**image, "digest": f"sha256:{'0' * 64}"} for key, image in images.items()}
    (tmp_path / "images.yaml").write_text(yaml.safe_dump(pinned))
    workspace = Workspace(
        root=tmp_path,
        backend=f"file://{tmp_path}/state",
        passphrase_file=tmp_path / ".fleet" / "passphrase",
        secrets_file=tmp_path / ".fleet" / "secrets.json",
        environment={},
    )
    workspace.save()
    workspace.passphrase_file.write_text("correct horse\n")
    store = SecretStore.create(workspace.secrets_file, "correct horse", master=bytes(range(32)))
    make_up_credentials(load(tmp_path), store)
    monkeypatch.setenv("FLEET_ROOT", str(tmp_path))
    open_vault.cache_clear()
    return tmp_path


@pytest.fixture
def edit(project: Path) -> Callable[[str, Callable[[dict[str, Any]], None]], None]:
    """Change one of the project's YAML files."""

    def change(name: str, by: Callable[[dict[str, Any]], None]) -> None:
        document = yaml.safe_load((project / name).read_text())
        by(document)
        (project / name).write_text(yaml.safe_dump(document))

    return change


@pytest.fixture
def run_stack(project: Path) -> Callable[..., Recording]:
    """Run a stack's program against the recording monitor."""

    def run(stack: str, stacks: Mapping[str, Mapping[str, Any]] | None = None) -> Recording:
        from stacks.program import declare

        known = {"addresses": {"addresses": addresses_output(ADDRESSES)}, stack: {}}
        return record(declare, stack, provider_answers, {**known, **(stacks or {})})

    return run


def addresses_output(addresses: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"handle": f"{name}-handle", "address": address} for name, address in addresses.items()}


def provider_answers(type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Outputs and data sources as the providers answer them."""
    match type_:
        case "vultr:index/instance:Instance":
            return {"mainIp": ADDRESSES.get(name, "198.18.0.99"), "defaultPassword": "generated"}
        case "vultr:index/getOs:getOs":
            return {"id": "2625", "name": "Debian 13 x64 (trixie)"}
        case "vultr:index/getPlan:getPlan":
            return {"id": inputs["filters"][0]["values"][0], "locations": ["ewr", "ord", "nrt"]}
        case "digitalocean:index/getSizes:getSizes":
            sizes = [{"slug": inputs["filters"][0]["values"][0], "available": True, "regions": ["sgp1", "lon1"]}]
            return {"sizes": sizes}
        case "digitalocean:index/droplet:Droplet":
            return {"id": "424242", "ipv4Address": "198.18.0.77"}
        case "digitalocean:index/getImage:getImage":
            return {"slug": "debian-13-x64", "id": 1}
        case "aws:ec2/getAmi:getAmi":
            return {"id": "ami-debian13"}
        case "aws:ec2/eip:Eip":
            return {"publicIp": "198.18.0.88", "allocationId": "eipalloc-1"}
        case "aws:lightsail/staticIp:StaticIp":
            return {"ipAddress": "198.18.0.89"}
        case "vultr:index/reservedIp:ReservedIp":
            return {"subnet": "198.18.0.11"}
        case "digitalocean:index/reservedIp:ReservedIp":
            return {"ipAddress": "198.18.0.12"}
        case _:
            return {}
