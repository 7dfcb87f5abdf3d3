"""What must hold before a release is promoted, judged look by look.

``docker compose up --wait`` is not asked: it takes a container that is running for a moment for a good one, and fails
for a one-shot that has done its work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .docker import Container

CRASHES = 3
"""So many restarts are a crash loop. One or two may be a service that was there before what it needs."""


@dataclass(frozen=True)
class Verdict:
    """What one look says: ``good``, ``pending`` or ``red``; of which service, and why."""

    state: str
    service: str = ""
    reason: str = ""
    container: Container | None = None


GOOD = Verdict("good")


@dataclass
class Watch:
    """Judges looks at one project, one after the other."""

    settle_seconds: float
    one_shots: frozenset[str]
    ports: frozenset[tuple[str, int, str]]
    services: dict[str, int]
    """service -> how many containers it shall have"""
    before: dict[str, Container]
    """by id: what was there before anything was touched"""
    _good_since: dict[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of(cls, gate: dict[str, Any], project: dict[str, Any], before: list[Container]) -> Watch:
        """For a release's gate, its resolved Compose project and the containers before it came."""
        return cls(
            settle_seconds=gate["settle_seconds"],
            one_shots=frozenset(gate["one_shots"]),
            ports=watched_ports(gate),
            services={name: replicas(service) for name, service in project["services"].items()},
            before={container.id: container for container in before},
        )

    def look(self, containers: list[Container], now: float) -> Verdict:
        """Judge what is there at ``now`` (seconds of the epoch)."""
        pending: list[Verdict] = []
        for service, wanted in self.services.items():
            mine = [container for container in containers if container.service == service]
            judge = self._one_shot if service in self.one_shots else self._long_running
            verdicts = [judge(container) for container in mine]
            if len(mine) < wanted:
                verdicts.append(Verdict("pending", service, f"has {len(mine)} of {wanted} containers"))
            red = [verdict for verdict in verdicts if verdict.state == "red"]
            if red:
                return red[0]
            pending += [verdict for verdict in verdicts if verdict.state == "pending"]
        unsettled = self._unsettled(containers, now)
        if pending or unsettled:
            return (pending + unsettled)[0]
        return self._published(containers)

    def _one_shot(self, container: Container) -> Verdict:
        if container.state != "exited":
            return Verdict("pending", container.service, f"is {container.state}, and shall end by itself", container)
        if container.exit_code:
            return Verdict("red", container.service, _ended(container), container)
        return GOOD

    def _long_running(self, container: Container) -> Verdict:
        before = self.before.get(container.id)
        crashes = container.restarts - (before.restarts if before else 0)
        if container.state in ("exited", "dead") or (container.state == "created" and container.error):
            return Verdict("red", container.service, _ended(container), container)
        if crashes >= CRASHES:
            said = f"crashes again and again: {crashes} restarts, the last time it {_ended(container)}"
            return Verdict("red", container.service, said, container)
        if container.health == "unhealthy":
            return Verdict("red", container.service, "is unhealthy, says its health check", container)
        if container.state != "running":
            return Verdict("pending", container.service, f"is {container.state}", container)
        if container.health == "starting":
            return Verdict("pending", container.service, "is not healthy yet", container)
        return GOOD

    def _unsettled(self, containers: list[Container], now: float) -> list[Verdict]:
        since = {}
        unsettled = []
        for container in containers:
            if container.service in self.one_shots or self._long_running(container) is not GOOD:
                continue
            key = (container.id, container.started_at)
            before = self.before.get(container.id)
            undisturbed = before is not None and before.started_at == container.started_at and _is_good(before)
            since[key] = self._good_since.get(key, now - container.age(now) if undisturbed else now)
            if now - since[key] < self.settle_seconds:
                reason = f"has not run for {self.settle_seconds:g} s without a restart"
                unsettled.append(Verdict("pending", container.service, reason, container))
        self._good_since = since
        return unsettled

    def _published(self, containers: list[Container]) -> Verdict:
        found = {port: container for container in containers for port in container.ports}
        for port in sorted(found.keys() - self.ports):
            reason = f"publishes {_port(port)}, which the plan does not have"
            return Verdict("red", found[port].service, reason, found[port])
        for port in sorted(self.ports - found.keys()):
            return Verdict("red", "", f"no service publishes {_port(port)}, which the plan has")
        return GOOD


def _is_good(container: Container) -> bool:
    return container.state == "running" and container.health in ("", "healthy")


def watched_ports(gate: dict[str, Any]) -> frozenset[tuple[str, int, str]]:
    """The ports of a gate: address, port, protocol."""
    return frozenset((port["address"], port["port"], port["protocol"]) for port in gate["ports"])


def replicas(service: dict[str, Any]) -> int:
    """How many containers a service of a resolved project has."""
    deploy = service.get("deploy") or {}
    return int(service.get("scale") or (1 if deploy.get("replicas") is None else deploy["replicas"]))


def _ended(container: Container) -> str:
    if container.error:
        return f"could not be started: {container.error}"
    if container.out_of_memory:
        return f"ended with exit status {container.exit_code}: it was killed for want of memory"
    return f"ended with exit status {container.exit_code}"


def _port(port: tuple[str, int, str]) -> str:
    return f"{port[0]}:{port[1]}/{port[2]}"
