"""A server that stood before the fleet came: running, configured by somebody else, and not ours to change.

It has a root login, its own Docker configuration, a small Compose project with a published port, and two foreign
nftables tables, one of them in ufw's manner. Adopting it must leave all of that as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lab import state
from lab.errors import LabError
from lab.execution import execute, wait_until_booted
from lab.files import read_json, write_json
from lab.keys import new_host_key
from lab.machines import Machines
from lab.server import ServerSpec
from lab.settings import LabHome

PUBLISHED_PORT = 8080
PROJECT_FOLDER = "/srv/legacy"
DOCKER_CONFIGURATION = {"log-driver": "json-file", "log-opts": {"max-size": "7m", "max-file": "2"}}

COMPOSE = f"""\
services:
  web:
    image: legacy/busybox:1
    command: ["httpd", "-f", "-p", "{PUBLISHED_PORT}", "-h", "/www"]
    restart: unless-stopped
    ports: ["{PUBLISHED_PORT}:{PUBLISHED_PORT}"]
    volumes: ["./www:/www:ro"]
"""

LEGACY_RULES = """\
table inet legacy {
  set blocked { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.0/24 } }
  chain input {
    type filter hook input priority filter + 10; policy accept;
    ip saddr @blocked counter drop
    tcp dport 23 counter reject
  }
}
table inet ufw_like {
  chain user_input {
    tcp dport 22 accept
    tcp dport 8080 accept
    tcp dport 5432 drop
  }
  chain input {
    type filter hook input priority filter + 20; policy accept;
    ct state established,related accept
    iif lo accept
    jump user_input
  }
}
"""

RULES_UNIT = """\
[Unit]
Description=The previous owner's firewall
DefaultDependencies=no
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/legacy.nft

[Install]
WantedBy=sysinit.target
"""


@dataclass(frozen=True)
class ExistingServer:
    """What a stack file has to say of such a server."""

    id: str
    name: str
    address: str
    host_key: str
    """The public host key, ``ssh-ed25519 AAAA...``."""


def create(home: LabHome, name: str, authorized_key: str, memory_mb: int = 16384) -> ExistingServer:
    """Start such a server with root login for ``authorized_key``; the same one if it is there. Takes some seconds.

    Raises:
        LabError: it does not start.
    """
    id = f"existing-{name}"
    machines = Machines(home)
    if not machines.exists(id):
        key = new_host_key()
        document = {
            "users": [{"name": "root", "lock_passwd": True, "ssh_authorized_keys": [authorized_key]}],
            "disable_root": False,
            "ssh_pwauth": False,
            "ssh_deletekeys": True,
            "ssh_genkeytypes": ["ed25519"],
            "ssh_keys": {"ed25519_private": key.private, "ed25519_public": key.public},
            "write_files": [
                {"path": f"{PROJECT_FOLDER}/docker-compose.yml", "content": COMPOSE},
                {"path": f"{PROJECT_FOLDER}/www/index.html", "content": "the platform\n"},
                {"path": "/etc/docker/daemon.json", "content": json.dumps(DOCKER_CONFIGURATION, indent=2) + "\n"},
                {"path": "/etc/legacy.nft", "content": LEGACY_RULES},
                {"path": "/etc/systemd/system/legacy-firewall.service", "content": RULES_UNIT},
            ],
            "runcmd": [
                ["systemctl", "enable", "--now", "legacy-firewall.service"],
                ["systemctl", "enable", "--now", "containerd.service", "docker.socket", "docker.service"],
                ["docker", "import", "/usr/share/lab/busybox.tar", "legacy/busybox:1"],
                ["docker-compose", "--project-directory", PROJECT_FOLDER, "up", "--detach", "--quiet-pull"],
            ],
        }
        _remember(home, id, key.public)
        machines.create(
            ServerSpec(
                id=id,
                provider="existing",
                name=name,
                # JSON is YAML.
                user_data="#cloud-config\n" + json.dumps(document) + "\n",
                address_kind="direct",
                memory_mb=memory_mb,
            )
        )
    return describe(home, name)


def wait_until_ready(home: LabHome, name: str) -> None:
    """Wait until the server's project runs.

    Raises:
        LabError: it does not get there; the message has what its first boot said.
    """
    machine = state.load(home).machine(f"existing-{name}")
    wait_until_booted(home, machine)
    shown = execute(home, machine, ["docker", "ps", "--filter", "status=running", "--format", "{{.Names}}"])
    if shown.code != 0 or not shown.stdout.strip():
        raise LabError(f"the project on {name} does not run: {shown.stderr.strip() or 'no running container'}")


def describe(home: LabHome, name: str) -> ExistingServer:
    """The server as it was created. Raises LabError if there is none."""
    machine = state.load(home).machine(f"existing-{name}")
    keys = read_json(_file(home))
    return ExistingServer(machine.id, name, machine.main, str(keys[machine.id]))


def _file(home: LabHome) -> Path:
    return home.path / "existing.json"


def _remember(home: LabHome, id: str, public_key: str) -> None:
    write_json(_file(home), {**read_json(_file(home)), id: public_key})
