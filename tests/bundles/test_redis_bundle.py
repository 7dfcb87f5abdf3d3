"""The bundle ``redis`` of each kind of host, as it would be released."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address
from typing import Any

import pytest
import yaml

from fleet.model.images import Image, Images
from fleet.secrets import Vault
from hosts.release import Release
from infra.bundles.redis import (
    KEEPER_UID,
    REDIS_UID,
    RedisMemory,
    cluster_connection,
    local_connection,
    memory_of,
    mesh_ports,
    redis_release,
)
from rediscluster import ClusterPlan, ClusterSettings, Member, Profile, plan

VAULT = Vault(bytes(range(32)))
MEMORY = memory_of(4096, 4096)
REGIONS = ("hub", "nj", "sg", "ldn")
IMAGES = Images(
    {
        key: Image(repository=f"registry.example/{key}", tag="8.0.2-1", digest=f"sha256:{key.encode().hex():0<64}")
        for key in ("redis", "python")
    }
)


def cluster(*regions: str, profile: Profile = Profile.HA, leaving: tuple[str, ...] = ()) -> ClusterPlan:
    def member(region: str) -> Member:
        return Member(region, region, IPv4Address(f"10.77.{REGIONS.index(region)}.1"))

    return plan(ClusterSettings(profile, tuple(map(member, regions)), tuple(map(member, leaving))))


def release(host: str, of: ClusterPlan) -> Release:
    return redis_release(of, host, IMAGES, MEMORY, VAULT)


def compose(rendered: Release) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(content(rendered, "compose.yaml"))
    return document


def content(rendered: Release, path: str) -> str:
    return next(file.content for file in rendered.files if file.path == path)


def test_a_member_runs_two_instances_their_keeper_and_the_local_one() -> None:
    rendered = release("nj", cluster("nj", "sg", "ldn"))
    assert set(compose(rendered)["services"]) == {"redis-local", "cluster-7001", "cluster-7002", "keeper"}
    conf = content(rendered, "cluster-7002.conf").splitlines()
    assert {"bind 10.77.1.1 127.0.0.1", "port 7002", "cluster-announce-bus-port 17002", "maxmemory 160mb"} <= set(conf)
    assert {"cluster-node-timeout 15000", "appendonly yes", "maxmemory-policy noeviction"} <= set(conf)
    assert [check.service for check in rendered.gate.checks] == ["redis-local", "keeper"]
    assert rendered.gate.ports == ()
    assert rendered.data_versions == {"redis": "8.0.2"}


def test_spec_runs_one_instance() -> None:
    services = compose(release("nj", cluster("nj", "sg", "ldn", profile=Profile.SPEC)))["services"]
    assert set(services) == {"redis-local", "cluster-7001", "keeper"}


@pytest.mark.parametrize(
    ("host", "of"), [("ldn", cluster("hub", "nj", "sg")), ("nj", cluster("hub", "nj"))], ids=["no member", "too few"]
)
def test_without_a_part_in_the_cluster_there_is_the_local_instance_alone(host: str, of: ClusterPlan) -> None:
    rendered = release(host, of)
    assert set(compose(rendered)["services"]) == {"redis-local"}
    assert {file.path for file in rendered.files} == {
        "compose.yaml",
        "local.conf",
        "local-users.acl",
        "app.password",
    }
    assert rendered.images == (IMAGES.pinned("redis"),)
    assert mesh_ports(of, host) == ()


def test_a_former_member_goes_on_until_it_is_emptied() -> None:
    of = cluster("nj", "sg", "ldn", leaving=("hub",))
    assert {"cluster-7001", "cluster-7002", "keeper"} <= set(compose(release("hub", of))["services"])
    assert json.loads(content(release("hub", of), "settings/keeper.json"))["own"] == [
        "10.77.0.1:7001",
        "10.77.0.1:7002",
    ]


@pytest.mark.parametrize("host", ["hub", "nj", "ldn"])
def test_containers_may_do_nothing_that_they_need_not(host: str) -> None:
    document = compose(release(host, cluster("hub", "nj", "sg")))
    for name, service in document["services"].items():
        uid, _, gid = service["user"].partition(":")
        assert uid == gid
        assert int(uid) > 0, name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert service["mem_limit"].endswith("m")
        assert service["healthcheck"]["test"]
        assert "ports" not in service, "nothing is published: host network, or this host's containers alone"
    assert document["networks"] == {"fleet": {"external": True}}


def test_every_mounted_file_is_of_the_release_and_readable_by_who_mounts_it() -> None:
    rendered = release("nj", cluster("nj", "sg", "ldn"))
    document = compose(rendered)
    mounted = set()
    for service in document["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if not source.startswith("./"):
                assert source in document["volumes"], "a named volume outlives its container"
                continue
            inside = source.removeprefix("./")
            files = [file for file in rendered.files if file.path == inside or file.path.startswith(f"{inside}/")]
            assert files, source
            mounted |= {file.path for file in files}
            for file in files:
                assert file.mode & 0o004 or file.uid == int(service["user"].split(":")[0]), file.path
    assert mounted == {file.path for file in rendered.files} - {"compose.yaml"}, "nothing is sent that nobody uses"


def test_secrets_are_references_in_files_of_their_reader_alone() -> None:
    for file in release("nj", cluster("nj", "sg", "ldn")).files:
        if VAULT.has_reference(file.content):
            assert file.mode == 0o400
            assert file.uid in (REDIS_UID, KEEPER_UID)
        for user in ("admin", "repl", "app", "exporter"):
            assert VAULT.password("redis", user) not in file.content
            assert VAULT.password_sha256("redis", user) not in file.content


def test_users_get_the_hash_of_the_password_that_their_clients_get() -> None:
    rendered = release("nj", cluster("nj", "sg", "ldn"))
    users = VAULT.fill(content(rendered, "cluster-users.acl"))
    for user in ("admin", "repl", "app", "exporter"):
        assert re.search(rf"^user {user} (on|off) #{VAULT.password_sha256('redis', user)} ", users, re.MULTILINE)
    assert "user default off" in users
    assert "user repl off" in users, "the keeper lets replicas in once the instance owns slots"
    assert f"masterauth {VAULT.password('redis', 'repl')}\n" in VAULT.fill(content(rendered, "cluster-7001.conf"))
    assert VAULT.fill(content(rendered, "settings/password")) == VAULT.password("redis", "admin")
    assert VAULT.fill(local_connection(VAULT)) == f"redis-local:6379,user=app,password={VAULT.password('redis', 'app')}"


def test_a_change_of_members_restarts_the_keeper_and_no_instance() -> None:
    before, after = release("nj", cluster("hub", "nj", "sg")), release("nj", cluster("nj", "sg", "ldn"))
    changed = {file.path for file in before.files} ^ {file.path for file in after.files} | {
        one.path for one, other in zip(before.files, after.files, strict=True) if one.content != other.content
    }
    assert changed == {"settings/keeper.json"}


def test_the_firewall_opens_clients_and_bus_inside_the_mesh() -> None:
    of = cluster("nj", "sg", "ldn")
    assert mesh_ports(of, "nj") == (7001, 7002, 17001, 17002)
    assert cluster_connection(of, VAULT).startswith("10.77.1.1:7001,10.77.2.1:7001,10.77.3.1:7001,user=app,")
    assert cluster_connection(cluster("nj"), VAULT) == ""


def test_all_instances_of_a_cluster_fit_its_smallest_host() -> None:
    """A replica takes what its master is written, and then its place; Redis holds it to no limit of its own."""
    assert memory_of(16_384, 4096).cluster_mb == memory_of(4096, 4096).cluster_mb
    assert memory_of(16_384, 4096).local_mb == memory_of(16_384, 16_384).local_mb


@pytest.mark.parametrize(("host_mb", "expected"), [(4096, (160, 96)), (8192, (512, 192)), (16384, (1024, 384))])
def test_memory_follows_the_host_and_its_limits_leave_room(host_mb: int, expected: tuple[int, int]) -> None:
    memory = memory_of(host_mb, host_mb)
    assert (memory.cluster_mb, memory.local_mb) == expected
    assert memory.cluster_limit_mb > 1.5 * memory.cluster_mb
    assert memory.total_mb(instances=2) < host_mb // 4 + 400
    assert RedisMemory(160, 96).total_mb(instances=0) == RedisMemory(160, 96).local_limit_mb
