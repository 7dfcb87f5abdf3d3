"""A real docker-registry on loopback, and a fleet's images.yaml that points to it."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.model.images import IMAGES_FILE, KEYS
from lab.image.service_build import CONFIGURATION, LAYER, MANIFEST
from lab.image.storage import Storage
from lab.requirements import Requirement, ensure_programs

START_SECONDS = 30.0
INDEX = "application/vnd.oci.image.index.v1+json"
LOGIN = ("operator", "correct-horse")
HTPASSWD = "operator:$2b$05$OET/UA2cR9.Rs1yqXPzAkOsVwRvp88Rs8v7LR0b22/IbVCIfN8spK"
"""The login as docker-registry wants it (bcrypt)."""


@dataclass(frozen=True)
class Registry:
    """A registry that runs."""

    host: str
    storage: Storage

    def publish(
        self,
        name: str,
        tag: str,
        label: str = "",
        layers: tuple[int, ...] | None = (),
        other_platforms: tuple[int, ...] = (),
    ) -> str:
        """Let the tag mean an image that differs by its label; returns the digest that the tag has.

        Args:
            layers: bytes of each; what the manifest says of them, for nothing of them is read. None: not for amd64.
            other_platforms: bytes of the image for arm64, whose index the tag then means.
        """
        if not other_platforms:
            assert layers is not None
            return self.storage.publish(name, tag, self._manifest(label, layers))
        entries = []
        for architecture, sizes in (("arm64", other_platforms), ("amd64", layers)):
            if sizes is not None:
                digest = self.storage.publish(name, f"{tag}-{architecture}", self._manifest(label, sizes))
                platform = {"os": "linux", "architecture": architecture}
                entries.append({"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": platform})
        return self.storage.publish(name, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})

    def _manifest(self, label: str, layers: tuple[int, ...]) -> dict[str, object]:
        configuration = json.dumps(
            {"architecture": "amd64", "os": "linux", "config": {"Labels": {"l": label}}}
        ).encode()
        described = {
            "mediaType": CONFIGURATION,
            "digest": self.storage.keep(configuration),
            "size": len(configuration),
        }
        listed = [{"mediaType": LAYER, "digest": digest_of(b"%d" % size), "size": size} for size in layers]
        return {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": listed}


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Starts registries, with or without a login; they end with the test."""
    if os.geteuid() == 0:
        ensure_programs((Requirement("docker-registry", "docker-registry"),), print)
    processes: list[subprocess.Popen[bytes]] = []

    def start(login: bool = False) -> Registry:
        folder = tmp_path / f"registry-{len(processes)}"
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        configuration = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
            "http": {"addr": f"127.0.0.1:{port}"},
        }
        if login:
            (folder / "htpasswd").write_text(HTPASSWD + "\n")
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
        (folder / "config.yml").write_text(json.dumps(configuration))
        with (folder / "log").open("w") as log:
            command = ["docker-registry", "serve", str(folder / "config.yml")]
            processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"http://127.0.0.1:{port}/v2/"):
            assert processes[-1].poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "docker-registry does not answer"
            time.sleep(0.02)
        return Registry(f"127.0.0.1:{port}", Storage(folder / "storage"))

    yield start
    for process in processes:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture
def registry(start_registry: Callable[..., Registry]) -> Registry:
    return start_registry()


@pytest.fixture
def fleet_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A fleet's folder whose images all come from one registry; nobody is logged in anywhere."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))

    def write(host: str) -> Path:
        root = tmp_path / "fleet"
        root.mkdir()
        lines = ["# Our images.", ""]
        for key in KEYS:
            lines += [f"{key}:  # of {key}", f"  repository: {host}/{key}", '  tag: "1"  # keep me', ""]
        (root / IMAGES_FILE).write_text("\n".join(lines))
        return root

    return write


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
