"""A cluster of real Redis processes on loopback addresses, with the keepers that production runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from rediscluster import ClusterPlan, ClusterSettings, Instance, Member, Profile, plan
from rediscluster.document import keeper_document
from rediscluster.keeper.resp import Client, Reply
from rediscluster.keeper.view import View, look
from templates.render import render

REDIS_SERVER = os.environ.get("FLEET_TEST_REDIS_SERVER", "redis-server")
PASSWORDS = {"admin": "of the administrator", "repl": "of the replicas", "app": "of the services", "exporter": "none"}
NODE_TIMEOUT_MS = 3000
"""Short, as nothing here is far away, and long enough that a busy machine is not taken for a failed one."""
KEEPER_PORT = 7009
REGIONS = ("hub", "nj", "sg", "ldn", "chi", "tyo")
CHECKOUT = Path(__file__).parents[2]


@dataclass
class Stand:
    """Hosts by region, each with an address of its own; nothing runs until it is started."""

    folder: Path
    block: int
    """second part of every address, 127.<block>.x.1: no two stands share one"""
    node_timeout_ms: int = NODE_TIMEOUT_MS
    users: Mapping[str, int] = field(default_factory=dict)
    """user id of a host's processes, where they are to be told apart; else the test's own"""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def settings(self, *regions: str, profile: Profile = Profile.HA, leaving: tuple[str, ...] = ()) -> ClusterSettings:
        return ClusterSettings(
            profile,
            tuple(map(self.member, regions)),
            leaving=tuple(map(self.member, leaving)),
            node_timeout_ms=self.node_timeout_ms,
        )

    def member(self, region: str) -> Member:
        return Member(region, region, IPv4Address(f"127.{self.block}.{REGIONS.index(region) + 1}.1"))

    def start_instance(self, instance: Instance) -> None:
        """Start a Redis with production's configuration, in its own folder, and wait until it answers."""
        data = self.folder / instance.endpoint
        data.mkdir(exist_ok=True)
        values = {
            "address": instance.address,
            "port": instance.port,
            "bus_port": instance.port + 10000,
            "node_timeout_ms": self.node_timeout_ms,
            "backlog_mb": 1,
            "maxmemory_mb": 64,
            "replication_password": json.dumps(PASSWORDS["repl"]),
        }
        hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in PASSWORDS.items()}
        hashes["replication"] = hashes.pop("repl")
        users = render("bundles/redis/users.acl.j2", **{f"{name}_sha256": text for name, text in hashes.items()})
        (data / "users.acl").write_text(users)
        conf = render("bundles/redis/cluster.conf.j2", **values)
        # Folders of this stand instead of a container's, and no 127.0.0.1: here all hosts share it.
        for ours, theirs in ((" 127.0.0.1\n", "\n"), ("dir /data", f"dir {data}"), ("/etc/fleet-redis", str(data))):
            assert ours in conf
            conf = conf.replace(ours, theirs, 1)
        (data / "redis.conf").write_text(conf)
        self._spawn(instance.endpoint, [*self._as(instance.host_id), REDIS_SERVER, str(data / "redis.conf")])
        process = self.processes[instance.endpoint]
        until(lambda: process.poll() is not None or self.ping(instance.endpoint), f"{instance.endpoint} answers")
        assert process.poll() is None, (self.folder / "output").read_text()

    def start_keeper(self, settings: ClusterSettings, host: str) -> None:
        """Start the keeper of one host with the file that production would give it."""
        self.keeper_file(settings, host)
        argv = [*self._as(host), sys.executable, "-m", "keeper", "run"]
        self._spawn(f"keeper {host}", argv, self.environment(host))

    def keeper_file(self, settings: ClusterSettings, host: str) -> None:
        """Write the keeper's files as a release has them, the code under the name that it has on a host."""
        folder = self.folder / f"keeper-{host}"
        folder.mkdir(exist_ok=True)
        if not (folder / "keeper").exists():
            shutil.copytree(CHECKOUT / "rediscluster" / "keeper", folder / "keeper")
        listen = [str(self.member(host).mesh_address)]
        document = keeper_document(plan(settings), host, listen=listen, port=KEEPER_PORT)
        # Quick rounds, since the cluster's own clocks are quick here too.
        document |= {"interval_seconds": 0.2, "timeout_seconds": 1.0}
        (folder / "keeper.json").write_text(json.dumps(document))
        (folder / "password").write_text(PASSWORDS["admin"] + "\n")

    def start(self, settings: ClusterSettings, *hosts: str) -> None:
        """Start everything of these hosts."""
        for host in hosts:
            for instance in plan(settings).instances_on(host):
                if instance.endpoint not in self.processes:
                    self.start_instance(instance)
            self.start_keeper(settings, host)

    def keeper(self, host: str, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run one of the keeper's commands on a host."""
        return subprocess.run(
            [*self._as(host), sys.executable, "-m", "keeper", *argv],
            input=stdin,
            capture_output=True,
            check=False,
            env=self.environment(host),
        )

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process at once, without a chance to say good-bye."""
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait()

    def kill_host(self, host: str) -> None:
        """A host stops: everything of it."""
        address = str(self.member(host).mesh_address)
        for name in [one for one in self.processes if one.startswith(f"{address}:") or one == f"keeper {host}"]:
            self.kill(name)

    def lose_data(self, instance: Instance) -> None:
        """The instance's disk is gone: its keys, and who it was."""
        shutil.rmtree(self.folder / instance.endpoint)

    def close(self) -> None:
        for name in list(self.processes):
            self.processes[name].send_signal(signal.SIGCONT)
            self.kill(name)

    def ping(self, endpoint: str) -> bool:
        return self.view(endpoint).answers

    def view(self, endpoint: str) -> View:
        """What an instance says."""
        client = self.client(endpoint)
        view = look(client)
        client.close()
        return view

    def call(self, endpoint: str, *words: str | int, user: str = "admin") -> Reply:
        client = self.client(endpoint, user)
        try:
            return client.call(*words)
        finally:
            client.close()

    def client(self, endpoint: str, user: str = "admin") -> Client:
        return Client(endpoint, user, PASSWORDS[user], 5.0)

    def formed(self, cluster: ClusterPlan) -> bool:
        """Every instance serves; each shard's slots are owned once and replicated as planned."""
        views = {one.endpoint: self.view(one.endpoint) for one in cluster.instances}
        if not all(view.answers and view.state == "ok" for view in views.values()):
            return False
        for shard in cluster.shards:
            pair = [views[one.endpoint] for one in (shard.home, shard.spare) if one is not None]
            owners = [view for view in pair if view.myself.owns(shard.tag_slot)]
            replicas = [view for view in pair if view.myself.master and view.link == "up"]
            if len(owners) != 1 or len(replicas) != len(pair) - 1:
                return False
            if any(view.myself.master != owners[0].id for view in replicas):
                return False
        return all(sum(node.slots for node in view.nodes) == 16384 for view in views.values())

    def reports(self, hosts: tuple[str, ...], state: str) -> bool:
        """Whether these hosts' keepers say so, by the exit status that a gate sees."""
        expected = {"ok": 0, "waiting": 75, "attention": 75}[state]
        return all(self.keeper(host, "gate").returncode == expected for host in hosts)

    def environment(self, host: str) -> dict[str, str]:
        """What a host's keeper finds its code and its settings by."""
        folder = self.folder / f"keeper-{host}"
        return {**os.environ, "PYTHONPATH": str(folder), "KEEPER_SETTINGS": str(folder / "keeper.json")}

    def _as(self, host: str) -> tuple[str, ...]:
        """What makes a command another user's that may still read and write all files of the stand."""
        if host not in self.users:
            return ()
        files = "+dac_override,+dac_read_search"
        return ("setpriv", "--reuid", str(self.users[host]), "--inh-caps", files, "--ambient-caps", files)

    def _spawn(self, name: str, argv: list[str], environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / "output").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                argv, stdout=output, stderr=output, env=dict(environment or os.environ)
            )


def needs_redis() -> None:
    """Skip where there is no Redis to run."""
    if not shutil.which(REDIS_SERVER):
        pytest.skip("redis-server is not installed")


def until(holds: Callable[[], Any], what: str, seconds: float = 180.0) -> None:
    """Wait for a condition; the limit is far above what it takes, for busy machines."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
