"""Sample values for every template, as a fleet of two regions would give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fleet.secrets import Vault

VAULT = Vault(bytes(range(32)))


@dataclass(frozen=True)
class Port:
    """As the model has it."""

    protocol: str
    port: int
    sources: tuple[str, ...] = ()


FIRST_BOOT: dict[str, Any] = {
    "user": "deploy",
    "authorized_keys": [VAULT.ed25519_public("ssh", "deploy"), "ssh-ed25519 AAAAC3Nz ann's key"],
    "host_key_private": VAULT.ed25519_private("ssh", "host", "nj"),
    "host_key_public": VAULT.ed25519_public("ssh", "host", "nj"),
}

REDIS_USERS = ("admin", "app", "exporter")


@pytest.fixture
def first_boot() -> dict[str, Any]:
    return dict(FIRST_BOOT)


@pytest.fixture
def firewall() -> dict[str, Any]:
    return {
        "guest": False,
        "ssh_port": 22,
        "mesh_cidr": "10.77.0.0/16",
        "mesh_interfaces": ["wg0", "wg1"],
        "wireguard_ports": [51820, 51821],
        "public_ports": [Port("tcp", 443), Port("tcp", 8443), Port("udp", 443)],
        "mesh_ports": [Port("tcp", 9000), Port("tcp", 9100)],
        "local_interfaces": ["docker0", "br-*"],
    }


@pytest.fixture
def samples(first_boot: dict[str, Any], firewall: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By template; a template that is not listed takes no values."""
    return {
        "cloud-init/first-boot.yaml.j2": first_boot,
        "cloud-init/first-boot.sh.j2": first_boot,
        "host/sshd.conf.j2": {"logins": ["deploy"], "tcp_forwarding": "no", "penalty_exempt": ["10.77.0.0/16"]},
        "host/fleet-db-backup.timer.j2": {"every_hours": 6},
        "host/fleet.nft.j2": firewall,
        "host/sysctl.conf.j2": {"guest": False, "conntrack_max": 2_000_000},
        "host/chrony.conf.j2": {"time_servers": ["time.example.net", "ntp.example.org", "192.0.2.1"]},
        "host/apt-daily-upgrade.timer.j2": {"hour": 4, "minute": 5},
        "host/journald.conf.j2": {"system_max_use": "1G"},
        "host/daemon.json.j2": {"docker_pool": "172.30.0.0/16", "mtu": 1420},
        "bundles/questdb/compose.yaml.j2": {
            "image": "registry.example/questdb:9.3.4@sha256:00",
            "python_image": "registry.example/python:3.13@sha256:00",
            "uid": 10001,
            "is_replica": True,
            "root": "/var/lib/questdb",
            "scripts": "/etc/questdb",
            "secrets": "/run/secrets",
            "heap_mb": 384,
            "memory_mb": 1024,
            "administrator": "writer",
            "reader": "reader",
            "http_user": "shipper",
            "ports": [{"address": "10.77.0.1", "port": 8812}],
            "replicas": ["nj", "sg"],
            "shipper_memory_mb": 128,
            "shipper_port": 9101,
            "health_port": 9003,
            "entrypoint": ["bash", "/etc/questdb/start.sh", "replica", "/questdb"],
            "replication": {"QDB_REPLICATION_ROLE": "replica"},
        },
        "bundles/questdb/sql.sh.j2": {"port": 8812, "seconds": 20},
        "bundles/questdb/start.sh.j2": {"root": "/var/lib/questdb"},
        "bundles/questdb/backup.sh.j2": {
            "root": "/var/lib/questdb",
            "scripts": "/etc/questdb",
            "administrator": "writer",
        },
        "bundles/redis/compose.yaml.j2": {
            "redis_image": "redis:8.0.2@sha256:" + "0" * 64,
            "python_image": "python:3.13@sha256:" + "1" * 64,
            "redis_uid": 999,
            "keeper_uid": 10071,
            "local_port": 6379,
            "cluster_ports": [7001, 7002],
            "local_limit_mb": 160,
            "cluster_limit_mb": 272,
            "keeper_limit_mb": 64,
        },
        "bundles/redis/cluster.conf.j2": {
            "address": "10.77.1.1",
            "port": 7001,
            "bus_port": 17001,
            "node_timeout_ms": 15000,
            "backlog_mb": 16,
            "maxmemory_mb": 160,
            "replication_password": "secret:password/redis/repl#0f3a9c5b7d21",
        },
        "bundles/redis/users.acl.j2": {f"{user}_sha256": "0" * 64 for user in (*REDIS_USERS, "replication")},
        "bundles/redis/local.conf.j2": {"port": 6379, "maxmemory_mb": 96},
        "bundles/services/compose.yaml.j2": {
            "bundle": "data",
            "uid": 10080,
            "services": [
                {
                    "name": "data-service",
                    "image": f"registry.example/data-service:1@sha256:{'0' * 64}",
                    "env_files": ["env/stores.env"],
                    "memory_mb": 384,
                    "health": '["CMD", "true"]',
                    "published": [],
                }
            ],
        },
        "bundles/services/service.env.j2": {"values": {"PORT": "5002"}},
        "bundles/redis/local-users.acl.j2": {f"{user}_sha256": "0" * 64 for user in REDIS_USERS},
    }
