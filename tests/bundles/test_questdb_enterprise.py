"""QuestDB Enterprise as a primary's and a replica's host get it, and the guard against a second primary.

``FLEET_GOLDEN=write`` writes ``enterprise/`` anew. It never ran here: no licence, and no public image that we know of.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from fleet.configuration import Configuration
from fleet.model.bundles import QUESTDB
from fleet.model.enterprise import Enterprise
from fleet.model.fleet import Questdb
from fleet.model.ports import QUESTDB_HTTP
from fleet.secrets import SecretError, Vault
from hosts.release import Release
from infra.bundles import questdb
from infra.bundles.host_bundles import mesh_ports, releases_of
from infra.bundles.questdb_enterprise import GUARD, STORE_FILE, Replication
from templates.render import render
from tests.bundles.test_compose_files import Compose, compose, program, written
from tests.bundles.test_region_services import REGIONS, VAULT, configuration, contents, value_of

__all__ = ["compose", "configuration", "program"]

GOLDEN = Path(__file__).parent / "enterprise"
SETTINGS = Enterprise(
    primary="hub", object_store="s3::bucket=market;root=log;region=us-east-1;", start=("/questdb", "-d", "{root}")
)


@pytest.fixture
def enterprise(configuration: Configuration) -> Configuration:
    """The default fleet in the edition ``enterprise``."""
    fleet = configuration.fleet.model_copy(update={"questdb": Questdb(edition="enterprise", enterprise=SETTINGS)})
    return dataclasses.replace(configuration, fleet=fleet)


def database(configuration: Configuration, region: str, vault: Vault = VAULT) -> Release:
    releases = releases_of(configuration, configuration.hosts_of(region)[0], vault)
    return next(release for release in releases if release.bundle == questdb.BUNDLE)


def regions(configuration: Configuration) -> list[str]:
    return [region for region in REGIONS if QUESTDB in configuration.stacks[region].bundles]


@pytest.mark.parametrize("region", ["hub", "nj"])
def test_what_a_host_gets_is_as_reviewed(enterprise: Configuration, region: str) -> None:
    text = contents(database(enterprise, region))
    golden = GOLDEN / f"{region}-questdb.txt"
    if os.environ.get("FLEET_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_the_hub_alone_is_the_primary_and_every_database_has_its_own_id(enterprise: Configuration) -> None:
    composed = {region: database(enterprise, region).files[0].content for region in regions(enterprise)}
    assert [region for region, text in composed.items() if 'ROLE: "primary"' in text] == ["hub"]
    ids = {line for text in composed.values() for line in text.splitlines() if "INSTANCE_ID" in line}
    assert len(ids) == len(composed)


def test_an_id_follows_from_the_fleet_and_the_host() -> None:
    nj = Replication("replica", "fleet", "nj", SETTINGS)
    assert dataclasses.replace(nj, role="primary").instance_id == nj.instance_id
    assert dataclasses.replace(nj, fleet="other").instance_id != nj.instance_id


def test_nobody_ships_and_nothing_is_written_over_http(enterprise: Configuration) -> None:
    for region in regions(enterprise):
        release = database(enterprise, region)
        assert not [file.path for file in release.files if file.path.startswith("shipper")]
        assert QUESTDB_HTTP not in [port.port for port in release.gate.ports]
        assert QUESTDB_HTTP not in [port.port for port in mesh_ports(enterprise, enterprise.hosts_of(region)[0])]


def test_credentials_are_filled_in_on_the_way_to_the_host_alone(enterprise: Configuration) -> None:
    release = database(enterprise, "nj")
    secret = value_of("questdb/hub/secret-access-key")
    assert secret not in contents(release)
    stored = next(file for file in release.files if file.path == f"secrets/{STORE_FILE}")
    assert stored.mode == 0o400
    assert VAULT.fill(stored.content) == (
        "s3::bucket=market;root=log;region=us-east-1;"
        f"access_key_id={value_of('questdb/hub/access-key-id')};secret_access_key={secret};"
    )


@pytest.mark.parametrize(
    ("store", "secrets"),
    [
        ("s3::bucket=b;root=r;region=us-east-1;", ("access_key_id", "secret_access_key")),
        ("azblob::endpoint=https://a.blob.core.windows.net;container=c;root=r;account_name=a;", ("account_key",)),
        ("gcs::bucket=b;root=/;", ("credential",)),
    ],
)
def test_each_kind_of_object_store_has_credentials_of_its_own(store: str, secrets: tuple[str, ...]) -> None:
    settings = Enterprise(primary="hub", object_store=store, start=("/questdb",))
    text = VAULT.fill(Replication("primary", "fleet", "hub", settings).store(VAULT))
    given = "".join(f"{name}={value_of('questdb/hub/' + name.replace('_', '-'))};" for name in secrets)
    assert text == store + given


def test_a_credential_that_is_missing_is_named(enterprise: Configuration) -> None:
    with pytest.raises(SecretError, match=r"questdb\.enterprise needs its object store's credentials"):
        database(enterprise, "hub", Vault(bytes(range(32))))


@pytest.mark.parts
@pytest.mark.parametrize("region", ["hub", "nj"])
def test_compose_takes_it_as_it_is(enterprise: Configuration, compose: Compose, tmp_path: Path, region: str) -> None:
    done = compose(written(database(enterprise, region), tmp_path))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def start(root: Path, role: str) -> subprocess.CompletedProcess[str]:
    """The guard, with a program that only says that it runs."""
    script = root / GUARD
    script.write_text(render(f"bundles/questdb/{GUARD}.j2", root=str(root)))
    return subprocess.run(["bash", str(script), role, "echo", "runs"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("roles", [("primary", "primary"), ("replica", "replica"), ("primary", "replica")])
def test_a_database_starts_in_its_role_again_or_as_a_replica(tmp_path: Path, roles: tuple[str, str]) -> None:
    assert [start(tmp_path, role).stdout for role in roles] == ["runs\n", "runs\n"]


def test_a_replica_is_no_primary_before_somebody_said_that_the_old_one_stopped(tmp_path: Path) -> None:
    start(tmp_path, "replica")
    refused = start(tmp_path, "primary")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Stop the old primary" in refused.stderr
    assert start(tmp_path, "primary").returncode == 1, "asked again it was let through"
    (tmp_path / "_migrate_primary").touch()
    assert start(tmp_path, "primary").stdout == "runs\n"
