"""``/health``, ``/metrics`` and ``/whoami``."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .probing import OK, is_healthy, look_everywhere, look_near, who
from .wiring import Wiring


def metrics(wiring: Wiring, targets: dict[str, str]) -> str:
    """In Prometheus' text format."""
    labels = f'service="{wiring.service}",region="{wiring.region}"'
    lines = ["# TYPE stand_in_up gauge", f"stand_in_up{{{labels}}} {int(is_healthy(targets))}"]
    lines.append("# TYPE stand_in_target_up gauge")
    lines += [f'stand_in_target_up{{{labels},target="{name}"}} {int(s == OK)}' for name, s in targets.items()]
    lines.append("# TYPE stand_in_venue gauge")
    lines += [f'stand_in_venue{{{labels},venue="{venue}",mode="{mode}"}} 1' for venue, mode in wiring.venues.items()]
    return "\n".join(lines) + "\n"


def server(wiring: Wiring, address: str = "0.0.0.0") -> ThreadingHTTPServer:  # noqa: S104 - in a container of its own
    """The server, not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in ("/health", "/metrics", "/whoami"):
                self._reply(404, "text/plain", "not found\n")
                return
            if self.path == "/metrics":
                self._reply(200, "text/plain; version=0.0.4", metrics(wiring, look_everywhere(wiring)))
            elif self.path == "/whoami":
                self._reply(200, "application/json", json.dumps(who(wiring, look_everywhere(wiring))) + "\n")
            else:
                targets = look_near(wiring)
                healthy = is_healthy(targets)
                state = {"status": "healthy" if healthy else "unhealthy", **targets}
                self._reply(200 if healthy else 503, "application/json", json.dumps(state) + "\n")

        def _reply(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    return ThreadingHTTPServer((address, wiring.port), Handler)


def serve(wiring: Wiring) -> None:
    """Answer until the process is ended."""
    print(f"stand-in for {wiring.service} in {wiring.region or '?'}: port {wiring.port}", flush=True)
    with server(wiring) as made:
        made.serve_forever()
