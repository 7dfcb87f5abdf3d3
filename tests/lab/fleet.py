"""What the tests of a whole fleet share: running its stacks, asking its hosts, pinging across its mesh."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet.operation import order
from fleet.operation.fleet_up import run_waves
from fleet.operation.run import StackRun, preview, refresh, selected, up
from fleet.rehearsal.outside import egress_seen
from fleet.rehearsal.stand import Stand
from fleet.secrets import Vault
from lab.lab import Lab
from lab.settings import CHECKOUT

COMMAND_SECONDS = 600


@dataclass(frozen=True)
class StandingFleet:
    """A fleet that stands in the lab, how its hub was before it was adopted, and the secrets its servers began with."""

    stand: Stand
    hub_before: dict[str, str]
    first_vault: Vault

    @property
    def lab(self) -> Lab:
        return self.stand.lab

    def up(self, *stacks: str) -> dict[str, StackRun]:
        """Bring stacks up; every run must succeed."""
        return self._succeeded(up, stacks)

    def preview(self, *stacks: str) -> dict[str, StackRun]:
        return self._succeeded(preview, stacks)

    def refresh(self, *stacks: str) -> dict[str, StackRun]:
        return self._succeeded(refresh, stacks)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of ``fleet``, as a person runs it who types nothing; it may fail, but not with a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "fleet", *words],
            env={**self.stand.workspace.engine_environment(), "FLEET_ROOT": str(self.stand.root)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        print(done.stdout, done.stderr)
        return done

    def engine(self, *words: str) -> str:
        """What the engine prints when it is run in the fleet's folder by hand, with its errors; it must succeed."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive", "--color", "never"],
            cwd=self.stand.root,
            env={**os.environ, **self.stand.workspace.engine_environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def attempt(self, stack: str) -> StackRun:
        """Bring one stack up; it may fail."""
        return up(self.stand.workspace, stack, tell)

    def _succeeded(self, action: Any, stacks: Iterable[str]) -> dict[str, StackRun]:
        ordered = order.together(order.waves(self.stand.configuration, tuple(stacks)))
        runs = {run.stack: run for run in run_waves(self.stand.workspace, ordered, action, tell)}
        errors = {name: run.errors for name, run in runs.items() if not run.ok}
        assert not errors, errors
        return runs

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change one of the fleet's files."""
        path = self.stand.root / name
        document = yaml.safe_load(path.read_text())
        change(document)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def lay_down_bundles(self) -> None:
        """Leave the hosts without bundles, but for the hub's primary, and so without venues and members of Redis."""
        configuration = self.stand.configuration
        for region in configuration.stacks:
            kept = ["questdb"] if region == configuration.fleet.hub else []
            self.edit(f"Pulumi.{region}.yaml", _with_config({"fleet:bundles": kept, "fleet:venues": {}}))
        self.edit("fleet.yaml", lambda document: document["redis"].update(members=[]))

    def take_up_bundles(self) -> None:
        """Give every region the bundles and venues that the checkout's own files name."""
        for region in self.stand.configuration.stacks:
            own = yaml.safe_load((CHECKOUT / f"Pulumi.{region}.yaml").read_text())["config"]
            wanted = {key: own.get(key) for key in ("fleet:bundles", "fleet:venues")}
            self.edit(f"Pulumi.{region}.yaml", _with_config(wanted))
        members = yaml.safe_load((CHECKOUT / "fleet.yaml").read_text())["redis"]["members"]
        self.edit("fleet.yaml", lambda document: document["redis"].update(members=members))

    @contextmanager
    def with_template(self, folder: Path, name: str, old: str, new: str) -> Iterator[None]:
        """The fleet's programs with one template changed, as by somebody who edits their clone."""
        with self.with_templates(folder, {name: (old, new)}):
            yield

    @contextmanager
    def with_templates(self, folder: Path, changes: Mapping[str, tuple[str, str]]) -> Iterator[None]:
        """The fleet's programs with a text of some templates replaced by another one."""
        shutil.copytree(CHECKOUT / "templates", folder / "templates")
        for name, (old, new) in changes.items():
            template = folder / "templates" / name
            text = template.read_text()
            assert old in text
            template.write_text(text.replace(old, new))
        settings = self.stand.root / ".fleet" / "settings.yaml"
        kept = settings.read_text()
        document = yaml.safe_load(kept)
        document["environment"]["PYTHONPATH"] = f"{folder}:{CHECKOUT}"
        settings.write_text(yaml.safe_dump(document))
        try:
            yield
        finally:
            settings.write_text(kept)

    def on(self, host: str, *argv: str) -> str:
        """Standard output of a program on a host, which must succeed."""
        done = self.lab.run(self.server(host), argv)
        assert done.code == 0, f"{host}: {shlex.join(argv)}: {done.stdout}{done.stderr}"
        return done.stdout

    def recorded(self, stack: str, ending: str) -> dict[str, Any]:
        """What a stack's state holds of the resource whose URN ends so, as ``MeshNode::nj``."""
        resources = (selected(self.stand.workspace, stack).export_stack().deployment or {})["resources"]
        found: dict[str, Any] = next(entry for entry in resources if entry["urn"].endswith(f":{ending}"))
        return found

    def configured(self, *hosts: str) -> dict[str, str]:
        """What hosts have on disk of mesh and firewall."""
        interface = self.stand.configuration.fleet.mesh.epoch.interface()
        files = (f"/etc/wireguard/{interface}.conf", "/etc/fleet/fleet.nft")
        return {host: self.on(host, "cat", *files) for host in hosts}

    def server(self, host: str) -> str:
        """The lab's name of a host: at AWS servers are named with their fleet."""
        return host if host in {server.name for server in self.lab.status().hosts} else f"fleet-{host}"

    def mesh_address(self, host: str) -> str:
        return str(next(ref.mesh_address for ref in self.stand.configuration.hosts() if ref.id == host))

    def seen_by_the_venue(self) -> dict[str, bool]:
        """For each standing host, whether the venue sees exactly the exported address."""
        hosts = self.stand.hosts()
        seen = egress_seen(self.lab, hosts)
        return {host.ref.id: seen[host.ref.id] == host.allow_list for host in hosts}


def raise_generation(fleet: StandingFleet, region: str) -> None:
    """Ask for another server in place of a region's, as a person does who wants it rebuilt: the second one."""
    name = f"Pulumi.{region}.yaml"
    fleet.edit(name, lambda document: document["config"]["fleet:hosts"]["main"].update(generation=2))


def _with_config(values: Mapping[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Sets keys of a stack's configuration; without a value a key goes."""

    def change(document: dict[str, Any]) -> None:
        merged = {**document["config"], **values}
        document["config"] = {key: value for key, value in merged.items() if value is not None}

    return change


def tell(stack: str, line: str) -> None:
    """Progress into the test's captured output."""
    print(f"{stack}: {line}")


def hub_as_it_is(lab: Lab) -> dict[str, str]:
    """What adoption must leave alone on the hub: containers, Docker's configuration, foreign firewall tables, sshd."""

    def said(*argv: str) -> str:
        done = lab.run("hub", argv)
        assert done.code == 0, f"{shlex.join(argv)}: {done.stdout}{done.stderr}"
        assert done.stdout, f"{shlex.join(argv)} prints nothing"
        return done.stdout

    running = ["docker", "inspect", "-f", "{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}"]
    listed = said("sh", "-c", f"{shlex.join(running)} $(docker ps -q)")
    # The fleet's own containers are the fleet's own.
    containers = [line for line in listed.splitlines() if not line.startswith("/fleet-")]
    assert containers, "the hub has a platform of its own"
    files = "sha256sum /etc/docker/daemon.json /etc/legacy.nft; find /etc/ssh -type f | sort | xargs sha256sum"
    tables = said("sh", "-c", "nft -s list table inet legacy && nft -s list table inet ufw_like")
    return {
        "containers": "\n".join(containers),
        "files": said("sh", "-c", files),
        "tables": re.sub(r"counter packets \d+ bytes \d+", "counter", tables),
        "docker": said(
            "systemctl", "show", "-p", "MainPID,ActiveEnterTimestamp", "docker.service", "containerd.service"
        ),
        "users": said("sha256sum", "/etc/passwd", "/etc/shadow", "/root/.ssh/authorized_keys"),
    }
