"""A lab host with Docker as the fleet sets it up, a small registry on it, and small bundles to try on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from hosts import (
    Argv,
    Check,
    Connection,
    Gate,
    HostUnreachable,
    PublishedPort,
    Release,
    ReleaseFile,
    ReleaseReport,
    Target,
    Trial,
    connect,
    deploy,
)
from hosts.connection import Completed
from lab.lab import Lab
from lab.machines import Machines
from lab.server import ServerSpec
from templates.render import render
from tests.hosts.sshd import new_key
from tests.lab.servers import small_registry

REGISTRY_PORT = 5000
IMAGES = tuple(f"image{number}" for number in range(8))
SECRET = "correct-horse-battery"
REFERENCE = "secret:a-key#0123456789ab"

T = TypeVar("T")


def fill(text: str) -> str:
    return text.replace(REFERENCE, SECRET)


@dataclass(frozen=True)
class Event:
    """Something that happened to a container."""

    seconds: float
    action: str
    container: str
    service: str


@dataclass(frozen=True)
class BundleHost:
    lab: Lab
    name: str
    target: Target
    login_key: str
    digests: dict[str, str]
    _sessions: list[Connection] = field(default_factory=list)

    def image(self, name: str = IMAGES[0]) -> str:
        return f"127.0.0.1:{REGISTRY_PORT}/lab/{name}:1@{self.digests[name]}"

    def connect(self) -> Connection:
        return connect(self.target, self.login_key, deadline_seconds=60)

    def on(self, stage: Callable[[Connection], T]) -> T:
        with self.connect() as connection:
            return stage(connection)

    def deploy(self, release: Release) -> ReleaseReport:
        return self.on(lambda connection: deploy(connection, release, fill))

    def run(self, *argv: str) -> str:
        """What a command of root's says, over one connection for all of them."""
        done = self._run(argv)
        assert done.exit_status == 0, (argv, done.stdout, done.stderr)
        return done.stdout.decode().strip()

    def succeeds(self, *argv: str) -> bool:
        return self._run(argv).exit_status == 0

    def _run(self, argv: tuple[str, ...]) -> Completed:
        if not self._sessions:
            self._sessions.append(self.connect())
        try:
            return self._sessions[0].run(Argv(*argv), timeout_seconds=120)
        except HostUnreachable:
            # It was rebooted: the next command needs another connection.
            self._sessions.pop().close()
            raise

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def containers(self, bundle: str) -> dict[str, tuple[str, str]]:
        """Service -> (id, started at) of what runs."""
        wanted = ("--filter", f"label=com.docker.compose.project=fleet-{bundle}", "--filter", "status=running")
        found = self.run("docker", "ps", "--quiet", "--no-trunc", *wanted).split()
        if not found:
            return {}
        shown = json.loads(self.run("docker", "inspect", *found))
        return {
            item["Config"]["Labels"]["com.docker.compose.service"]: (item["Id"], item["State"]["StartedAt"])
            for item in shown
        }

    def exec(self, bundle: str, service: str, *argv: str) -> str:
        return self.run("docker", "exec", self.containers(bundle)[service][0], *argv)

    def now(self) -> str:
        return self.run("date", "+%s.%N")

    def events(self, bundle: str, since: str) -> list[Event]:
        """Starts and ends of a bundle's containers since then."""
        lines = self.run(
            *("docker", "events", "--since", since, "--until", self.now(), "--format", "{{json .}}"),
            *("--filter", f"label=com.docker.compose.project=fleet-{bundle}"),
            *("--filter", "event=start", "--filter", "event=die"),
        )
        found = [json.loads(line) for line in lines.splitlines()]
        return [
            Event(
                item["timeNano"] / 1e9,
                item["Action"],
                item["id"],
                item["Actor"]["Attributes"]["com.docker.compose.service"],
            )
            for item in found
        ]


def bundle_host(lab: Lab, machines: Machines, name: str) -> BundleHost:
    """Start such a host."""
    login, host_key = new_key(), new_key()
    daemon = render("host/daemon.json.j2", mtu=1400, docker_pool="172.30.0.0/16")
    document = {
        "users": [{"name": "root", "lock_passwd": True, "ssh_authorized_keys": [login.public]}],
        "disable_root": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {"ed25519_private": host_key.private, "ed25519_public": host_key.public},
        "write_files": [
            {"path": "/etc/docker/daemon.json", "content": daemon},
            {"path": "/root/registry.py", "content": Path(small_registry.__file__).read_text()},
            {"path": "/etc/systemd/system/registry.service", "content": REGISTRY_UNIT},
        ],
        "runcmd": [
            ["systemctl", "enable", "--now", "containerd.service", "docker.socket", "docker.service"],
            ["systemctl", "start", "registry.service"],
        ],
    }
    made = machines.create(
        ServerSpec(
            id=name,
            provider="vultr",
            name=name,
            user_data="#cloud-config\n" + json.dumps(document) + "\n",
            address_kind="direct",
        )
    )
    lab.wait_until_booted(name)
    host = BundleHost(lab, name, Target(name, made.main_ip, 22, "root", (host_key.public,)), login.private, {})
    return replace(host, digests=json.loads(host.run("curl", *PATIENT, f"http://127.0.0.1:{REGISTRY_PORT}/digests")))


PATIENT = ("--silent", "--fail", "--retry", "20", "--retry-connrefused", "--retry-delay", "1")
REGISTRY_UNIT = f"""\
[Service]
ExecStart=/usr/bin/python3 /root/registry.py {REGISTRY_PORT} {" ".join(IMAGES)}
"""

SLEEP = "exec sleep 100000"
UID = 1000
QUICK = Gate(settle_seconds=1.0, timeout_seconds=30.0)


@dataclass(frozen=True)
class SmallBundle:
    """A bundle of two services: ``web``, with a file, an env file, a secret and a port, and ``other`` beside it."""

    host: BundleHost
    name: str
    port: int
    value: str = "1"
    """in web's configuration file"""
    environment: str = "MODE=live\n"
    secret: str = REFERENCE
    image: str = IMAGES[0]
    command: str = SLEEP
    """what web's shell does"""
    more: tuple[tuple[str, Any], ...] = ()
    """keys of web in the Compose file"""
    services: tuple[tuple[str, dict[str, Any]], ...] = ()
    gate: Gate = QUICK
    trials: tuple[Trial, ...] = ()
    data_versions: tuple[tuple[str, str], ...] = ()
    before_data_change: tuple[Check, ...] = ()
    image_bytes: int = 0
    """of web's image"""
    images: tuple[str, ...] = ()

    def but(self, **changes: Any) -> SmallBundle:
        return replace(self, **changes)

    def release(self) -> Release:
        common = {
            "image": self.host.image(),
            "init": True,
            "user": f"{UID}:{UID}",
            "cap_drop": ["ALL"],
            "read_only": True,
            "restart": "unless-stopped",
            "mem_limit": "32m",
            "networks": ["fleet"],
        }
        web = {
            **common,
            "image": self.host.image(self.image) if self.image in IMAGES else self.image,
            "command": ["sh", "-c", self.command],
            "env_file": "web.env",
            "volumes": ["./web.conf:/etc/web.conf:ro", "data:/data"],
            "secrets": ["key"],
            "ports": [{"target": 80, "published": str(self.port), "host_ip": "127.0.0.1"}],
            **dict(self.more),
        }
        compose = {
            "services": {"web": web, "other": {**common, "command": ["sh", "-c", SLEEP]}}
            | {name: {**common, **service} for name, service in self.services},
            "networks": {"fleet": {"external": True}},
            "volumes": {"data": {}},
            "secrets": {"key": {"file": "./key"}},
        }
        return Release(
            self.name,
            files=(
                ReleaseFile("compose.yaml", yaml.safe_dump(compose, sort_keys=False)),
                ReleaseFile("web.conf", f"value={self.value}\n"),
                ReleaseFile("web.env", self.environment, mode=0o600),
                ReleaseFile("key", f"{self.secret}\n", mode=0o400, uid=UID),
            ),
            images=self.images or tuple(sorted({str(web["image"]), self.host.image()})),
            gate=replace(self.gate, ports=(PublishedPort("127.0.0.1", self.port),)),
            trials=self.trials,
            image_bytes={str(web["image"]): self.image_bytes},
            data_versions=dict(self.data_versions),
            before_data_change=self.before_data_change,
        )

    def deploy(self) -> ReleaseReport:
        return self.host.deploy(self.release())

    def running(self) -> dict[str, tuple[str, str]]:
        return self.host.containers(self.name)


def plain_restart_seconds(bundle: SmallBundle) -> float:
    """How long a plain restart keeps web down."""
    since = bundle.host.now()
    bundle.host.run("docker", "restart", bundle.running()["web"][0])
    ended, started = bundle.host.events(bundle.name, since)
    assert (ended.action, started.action) == ("die", "start")
    return started.seconds - ended.seconds
