"""A running cluster through its keepers: each host's program looks at, and acts on, what is its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rediscluster.drive import RedisStopped
from rediscluster.keeper.view import View
from rediscluster.plan import ClusterPlan

Ask = Callable[[str, Sequence[str], bytes], bytes]
"""Run a command of the keeper on a host: the host, the command's words, what it reads; what it wrote. Raises
``RedisStopped`` where that is not possible."""


class RemoteCluster:
    """Every instance of a plan, reached through ``ask``."""

    def __init__(self, plan: ClusterPlan, ask: Ask) -> None:
        self._ask = ask
        self._hosts: dict[str, tuple[str, ...]] = {}
        for one in (*plan.instances, *plan.leaving):
            self._hosts[one.host_id] = tuple(own.endpoint for own in plan.instances_on(one.host_id))
        self._host_of = {endpoint: host for host, own in self._hosts.items() for endpoint in own}
        self.reports: dict[str, dict[str, Any]] = {}
        """what each host's keeper last reported, as of the last look; empty where it did not answer"""

    def look(self) -> Mapping[str, View]:
        """Every instance, as its own host sees it; all hosts at the same time."""
        with ThreadPoolExecutor(max_workers=max(1, len(self._hosts))) as pool:
            seen = list(pool.map(self._look_at, self._hosts))
        return {endpoint: view for views in seen for endpoint, view in views.items()}

    def command(self, at: str, words: tuple[str, ...]) -> None:
        """One command for one instance, from its own host."""
        self._run(self._host_of[at], "do", [{"at": at, "words": words}])

    def move(self, source: str, target: str, slots: tuple[int, ...]) -> int:
        """Give slots away, from the giver's host."""
        order = {"source": source, "target": target, "slots": slots}
        return int(self._run(self._host_of[source], "move", order)["keys"])

    def _look_at(self, host: str) -> dict[str, View]:
        own = self._hosts[host]
        try:
            answer = self._run(host, "look", own)
        except RedisStopped as silent:
            self.reports[host] = {}
            return {endpoint: View(endpoint, error=str(silent)) for endpoint in own}
        self.reports[host] = answer["report"]
        return {document["endpoint"]: View.from_document(document) for document in answer["views"]}

    def _run(self, host: str, command: str, order: Any) -> dict[str, Any]:
        text = self._ask(host, (command,), json.dumps(order).encode())
        try:
            answer: dict[str, Any] = json.loads(text)
        except ValueError:
            raise RedisStopped(f"{host}: its keeper answered something else than '{command}' does") from None
        if "error" in answer:
            raise RedisStopped(f"{host}: {answer['error']}")
        return answer
