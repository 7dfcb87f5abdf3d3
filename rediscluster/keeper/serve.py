"""The keeper's port: ``/status`` for people and checks, ``/metrics`` for Prometheus. It tells no secret."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .decide import ATTENTION, OK, STARTING, WAITING
from .loop import Keeper
from .view import View


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, keeper: Keeper, *arguments: Any) -> None:
        self._keeper = keeper
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path == "/status":
            self._answer("application/json", json.dumps(self._keeper.report()))
        elif self.path == "/metrics":
            self._answer("text/plain; version=0.0.4", metrics(self._keeper.report()))
        else:
            self.send_error(404)

    def _answer(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a line for each check would fill the log."""


def serve(keeper: Keeper) -> list[ThreadingHTTPServer]:
    """Answer on every address of the settings, in threads of their own.

    Raises:
        OSError: an address or port is not free.
    """
    servers = []
    for address in keeper.settings.listen:
        server = ThreadingHTTPServer((address, keeper.settings.port), partial(_Handler, keeper))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    return servers


def metrics(report: dict[str, Any]) -> str:
    """The report for Prometheus."""
    return "".join(f"{line}\n" for line in _metrics(report)) if report else ""


def _metrics(report: dict[str, Any]) -> Iterator[str]:
    yield "# TYPE fleet_redis_state gauge"
    for state in (STARTING, WAITING, ATTENTION, OK):
        yield f'fleet_redis_state{{state="{state}"}} {int(report["state"] == state)}'
    yield "# TYPE fleet_redis_round_timestamp_seconds gauge"
    yield f"fleet_redis_round_timestamp_seconds {report['at']:.3f}"
    yield f"fleet_redis_round_age_seconds {time.time() - report['at']:.3f}"
    yield "# TYPE fleet_redis_actions_total counter"
    for name, count in sorted(report["actions"].items()):
        yield f'fleet_redis_actions_total{{action="{name}"}} {count}'
    yield f"fleet_redis_silent_instances {len(report['silent'])}"
    for document in report["own"]:
        view = View.from_document(document)
        label = f'{{instance="{view.endpoint}"}}'
        yield f"fleet_redis_up{label} {int(view.answers)}"
        if view.answers:
            yield f"fleet_redis_serving{label} {int(view.state == 'ok')}"
            yield f"fleet_redis_master{label} {int(not view.myself.master)}"
            yield f"fleet_redis_slots{label} {view.myself.slots}"
            yield f"fleet_redis_keys{label} {view.keys}"
            yield f"fleet_redis_link_up{label} {int(not view.myself.master or view.link == 'up')}"
            yield f"fleet_redis_offset_bytes{label} {view.offset}"
            yield f"fleet_redis_memory_bytes{label} {view.memory_bytes}"
            yield f"fleet_redis_memory_limit_bytes{label} {view.memory_limit_bytes}"
