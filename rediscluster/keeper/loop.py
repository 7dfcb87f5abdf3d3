"""Look, decide, act, again and again; and the report of the last round."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .decide import Decision, decide
from .resp import Client, Refused
from .settings import Settings
from .view import View, look


class Instances:
    """Connections to every instance of the plan."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[str, Client] = {}
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(settings.everyone)))

    def client(self, endpoint: str) -> Client:
        """The connection to one instance, as the administrator."""
        if endpoint not in self._clients:
            its = self._settings
            self._clients[endpoint] = Client(endpoint, its.user, its.password, its.timeout_seconds)
        return self._clients[endpoint]

    def look(self, endpoints: tuple[str, ...]) -> dict[str, View]:
        """What these instances say, asked at the same time: one that is silent delays nobody."""
        return dict(zip(endpoints, self._pool.map(lambda one: look(self.client(one)), endpoints), strict=True))

    def close(self) -> None:
        """Close every connection."""
        self._pool.shutdown(wait=True)
        for client in self._clients.values():
            client.close()


class Keeper:
    """One host's keeper."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._instances = Instances(settings)
        self._done: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._report: dict[str, Any] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            acted = self.round()
            # After a step the next one is near: the cluster's own heartbeats need about a second.
            stop.wait(min(1.0, self.settings.interval_seconds) if acted else self.settings.interval_seconds)
        self._instances.close()

    def round(self) -> bool:
        """Look, decide, act once; returns whether there was something to do."""
        views = self._instances.look(self.settings.everyone)
        decision = decide(self.settings, views)
        for action in decision.actions:
            try:
                self._instances.client(action.endpoint).call(*action.words)
            except (OSError, Refused) as problem:
                # The next round looks again; what is still to be done is tried again.
                decision.waiting.append(f"{self.settings.name(action.endpoint)}: {action.name}: {problem}")
            else:
                self._done[action.name] += 1
        with self._lock:
            self._report = self._described(views, decision)
        return bool(decision.actions)

    def report(self) -> dict[str, Any]:
        """The last round, as plain JSON values; empty before the first."""
        with self._lock:
            return self._report

    def _described(self, views: dict[str, View], decision: Decision) -> dict[str, Any]:
        return {
            "host": self.settings.host,
            "plan": self.settings.plan,
            "state": decision.state,
            "starting": decision.starting,
            "waiting": decision.waiting,
            "attention": decision.attention,
            "notes": decision.notes,
            "at": time.time(),
            "actions": dict(self._done),
            "own": [views[endpoint].to_document() for endpoint in self.settings.own],
            "silent": {endpoint: view.error for endpoint, view in views.items() if not view.answers},
        }
