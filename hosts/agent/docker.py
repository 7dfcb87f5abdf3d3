"""Docker and Compose on this host.

What is asked often is asked of Docker's socket: the gate looks several times a second, and on a small host each start
of the command line costs more than what it tells. What is done is done by the command lines.
"""

from __future__ import annotations

import datetime
import http
import http.client
import json
import os
import socket
import urllib.parse
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .boot_program import COMPOSE_COMMANDS
from .machine import Machine, Outcome
from .report import AgentError

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
HASH_LABEL = "com.docker.compose.config-hash"
ONE_OFF_LABEL = "com.docker.compose.oneoff"

SOCKET = "/var/run/docker.sock"
ANSWER_SECONDS = 60.0
PLUGIN_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where Docker's command line looks for plugins of all users (docs.docker.com, CLI plugins)."""

LOG_LINES = 20
LOG_CHARACTERS = 4000
NEVER = "0001-01-01T00:00:00Z"
"""What Docker says for the start of a container that was not started."""


@dataclass(frozen=True)
class Container:
    """One container of a project."""

    id: str
    service: str
    image: str
    state: str
    """running, exited, created, restarting, paused, removing or dead"""
    health: str
    exit_code: int
    error: str
    """what Docker says of a start that failed"""
    out_of_memory: bool
    restarts: int
    started_at: str
    config_hash: str
    ports: frozenset[tuple[str, int, str]]
    """published: address, port, protocol"""

    @property
    def was_started(self) -> bool:
        return self.started_at != NEVER

    def age(self, now: float) -> float:
        """Seconds since its last start, at ``now`` of the epoch."""
        # Docker gives nanoseconds, Python reads microseconds.
        started = datetime.datetime.strptime(self.started_at[:19], "%Y-%m-%dT%H:%M:%S")
        return now - started.replace(tzinfo=datetime.UTC).timestamp()


def parse_container(shown: dict[str, Any]) -> Container:
    """A container from what ``docker inspect`` shows of it."""
    state, labels = shown["State"], shown["Config"]["Labels"] or {}
    published = frozenset(
        (binding["HostIp"], int(binding["HostPort"]), port.partition("/")[2])
        for port, bindings in (shown["NetworkSettings"]["Ports"] or {}).items()
        for binding in bindings or ()
    )
    return Container(
        id=shown["Id"],
        service=labels.get(SERVICE_LABEL, ""),
        image=shown["Config"]["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        exit_code=state["ExitCode"],
        error=state.get("Error", ""),
        out_of_memory=state.get("OOMKilled", False),
        restarts=shown["RestartCount"],
        started_at=state["StartedAt"],
        config_hash=labels.get(HASH_LABEL, ""),
        ports=published,
    )


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(self._path)


class Docker:
    """The host's Docker, whoever set it up."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @cached_property
    def root(self) -> str:
        """The folder of Docker's images and containers."""
        return str(self._ask("/info")["DockerRootDir"])

    @cached_property
    def _compose(self) -> tuple[str, ...]:
        if any(os.path.exists(os.path.join(folder, "docker-compose")) for folder in PLUGIN_FOLDERS):
            return COMPOSE_COMMANDS[0]
        for command in COMPOSE_COMMANDS:
            if self._machine.run(*command, "version").status == 0:
                return command
        raise AgentError(
            "docker", "neither `docker compose` nor `docker-compose` is there (Debian's package is docker-compose)"
        )

    def _ask(self, path: str, **query: str) -> Any:
        """What Docker's API answers; None where there is no such thing."""
        connection = _SocketConnection(SOCKET)
        try:
            connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise AgentError("docker", f"Docker does not answer at {SOCKET}: {error}") from None
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        document = json.loads(text)
        if answer.status != http.HTTPStatus.OK:
            raise AgentError("docker", f"Docker refuses {path}: {document.get('message', answer.reason)}")
        return document

    def compose(self, *arguments: str, seconds: float, holding: tuple[int, ...] = ()) -> Outcome:
        return self._machine.run(*self._compose, *arguments, seconds=seconds, holding=holding)

    def containers(self, project: str) -> list[Container]:
        """All containers of a project, running or not, by service."""
        return self._listed(project, one_off=False)

    def trials(self, project: str) -> list[Container]:
        """Containers of a project that were started beside it."""
        return self._listed(project, one_off=True)

    def _listed(self, project: str, one_off: bool) -> list[Container]:
        labels = [f"{PROJECT_LABEL}={project}", f"{ONE_OFF_LABEL}={one_off}"]
        listed = self._ask("/containers/json", all="true", filters=json.dumps({"label": labels}))
        shown = [self._ask(f"/containers/{item['Id']}/json") for item in listed]
        # None: gone between the two questions.
        found = [parse_container(item) for item in shown if item is not None]
        return sorted(found, key=lambda container: (container.service, container.id))

    def has_image(self, image: str) -> bool:
        return self._ask(f"/images/{image}/json") is not None

    def pull(self, image: str, seconds: float) -> Outcome:
        return self._machine.run("docker", "pull", "--quiet", image, seconds=seconds)

    def remove_image(self, image: str) -> None:
        """Remove it unless a container uses it: Docker refuses that by itself."""
        self._machine.run("docker", "image", "rm", image)

    def make_network(self, name: str) -> Outcome | None:
        """A user-defined bridge; None if it is there or was made."""
        if self._ask(f"/networks/{name}") is not None:
            return None
        made = self._machine.run("docker", "network", "create", "--driver", "bridge", name)
        # Another bundle's deploy may have made it meanwhile.
        return None if made.status == 0 or self._ask(f"/networks/{name}") is not None else made

    def log(self, container: Container) -> str:
        """Its last lines; both streams."""
        outcome = self._machine.run("docker", "logs", "--tail", str(LOG_LINES), container.id)
        lines = (outcome.out + outcome.err).strip().splitlines()[-LOG_LINES:]
        return "\n".join(lines)[-LOG_CHARACTERS:]

    def execute(self, container: Container, argv: list[str], seconds: float) -> Outcome:
        """A command in a running container, without a terminal."""
        return self._machine.run("docker", "exec", container.id, *argv, seconds=seconds)

    def restart(self, containers: list[Container], seconds: float) -> Outcome:
        return self._machine.run("docker", "restart", *(container.id for container in containers), seconds=seconds)

    def remove(self, containers: list[Container]) -> None:
        """Stop and remove, at once, with volumes that have no name."""
        if containers:
            self._machine.run("docker", "rm", "--force", "--volumes", *(container.id for container in containers))
