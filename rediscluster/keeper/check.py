"""What asks a running keeper: the container's health check and the release's gate."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from .decide import OK, STARTING
from .settings import Settings

GOOD, RED, WAITS = 0, 1, 75
"""Exit statuses; 75 (EX_TEMPFAIL of sysexits.h) is what a gate takes as waiting for another host."""

STALE_ROUNDS = 10
SHORTEST_STALE_SECONDS = 30.0
"""A round may take as long as a connection to a host that is away."""


def health(settings: Settings) -> tuple[int, str]:
    """Whether the keeper works; green also while it waits for other hosts."""
    report = ask(settings)
    if not report:
        return RED, "the keeper does not answer, or has not looked yet"
    age = time.time() - report["at"]
    if age > max(SHORTEST_STALE_SECONDS, STALE_ROUNDS * settings.interval_seconds):
        return RED, f"the keeper's last round was {age:.0f} s ago"
    return GOOD, report["state"]


def gate(settings: Settings, patience_seconds: float) -> tuple[int, str]:
    """Whether this host's part stands, waiting a while for its own instances; what others owe is ``WAITS``."""
    deadline = time.monotonic() + patience_seconds
    status, text = health(settings)
    while time.monotonic() < deadline and (status == RED or ask(settings).get("state") == STARTING):
        time.sleep(0.2)
        status, text = health(settings)
    report = ask(settings)
    if status == RED or not report:
        return RED, text
    reasons = "; ".join((*report["starting"], *report["attention"], *report["waiting"]))
    if report["state"] == STARTING:
        return RED, reasons
    return (GOOD if report["state"] == OK else WAITS), reasons or report["state"]


def ask(settings: Settings) -> dict[str, Any]:
    connection = http.client.HTTPConnection(settings.listen[0], settings.port, timeout=5)
    try:
        connection.request("GET", "/status")
        document: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return document
