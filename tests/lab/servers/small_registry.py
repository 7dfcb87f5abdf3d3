"""A registry of one layer, as small as the protocol allows: it serves busybox under as many digests as asked for.

Runs on a lab host as a program of its own (standard library only): ``python3 small_registry.py PORT NAME...``. Each
name is an image that differs in one label, so that each has a digest of its own; ``GET /digests`` tells them. Only what
``docker pull`` asks for is there: manifests and blobs.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LAYER = Path("/usr/share/lab/busybox.tar")
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Store:
    """Blobs and manifests by digest."""

    def __init__(self, names: list[str]) -> None:
        tar = LAYER.read_bytes()
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.digests: dict[str, str] = {}
        layer = gzip.compress(tar, compresslevel=1, mtime=0)
        layer_digest = self._keep(self.blobs, layer)
        for name in names:
            config = {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"image": name}, "Env": ["PATH=/bin:/usr/bin:/sbin"]},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
            }
            blob = json.dumps(config).encode()
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": {
                    "mediaType": "application/vnd.docker.container.image.v1+json",
                    "size": len(blob),
                    "digest": self._keep(self.blobs, blob),
                },
                "layers": [
                    {
                        "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(layer),
                        "digest": layer_digest,
                    }
                ],
            }
            self.digests[name] = self._keep(self.manifests, json.dumps(manifest).encode())

    @staticmethod
    def _keep(store: dict[str, bytes], content: bytes) -> str:
        store[digest_of(content)] = content
        return digest_of(content)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Answers(BaseHTTPRequestHandler):
    """``/v2/``, ``/v2/<name>/manifests/<digest>``, ``/v2/<name>/blobs/<digest>`` and ``/digests``."""

    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self) -> None:
        reference = self.path.rpartition("/")[2]
        if self.path == "/v2/":
            self._answer(b"{}", "application/json")
        elif self.path == "/digests":
            self._answer(json.dumps(self.store.digests).encode(), "application/json")
        elif "/manifests/" in self.path and reference in self.store.manifests:
            self._answer(self.store.manifests[reference], MANIFEST, reference)
        elif "/blobs/" in self.path and reference in self.store.blobs:
            self._answer(self.store.blobs[reference], "application/octet-stream", reference)
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's

    def _answer(self, content: bytes, kind: str, digest: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """No log of requests."""


if __name__ == "__main__":
    Answers.store = Store(sys.argv[2:])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
