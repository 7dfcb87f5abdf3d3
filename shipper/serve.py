"""Health, status and metrics over HTTP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shipper.progress import Progress


def serve(listen: str, progress: Progress) -> ThreadingHTTPServer:
    """Answer ``/health`` (200 or 503), ``/status`` (JSON) and ``/metrics`` in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._say(200, "text/plain; version=0.0.4", progress.metrics())
            elif self.path == "/status":
                self._say(200, "application/json", json.dumps(progress.document()))
            elif self.path == "/health":
                self._say(200 if progress.healthy else 503, "text/plain", progress.state + "\n")
            else:
                self._say(404, "text/plain", "/health, /status or /metrics\n")

        def _say(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """No line for each request."""

    host, _, port = listen.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
