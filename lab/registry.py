"""The lab's registry: Debian's docker-registry, serving the services' images to the lab's servers over TLS.

It only reads: images come into its storage when they are made (``lab.image.service_build``), and every lab of a user
serves the same storage.
"""

from __future__ import annotations

import json
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lab import namespace, registry_trust
from lab.errors import LabError
from lab.image.service_build import built_images, storage
from lab.image.service_recipe import SERVICE_IMAGES
from lab.processes import end, has_ended, pid_of, spawn
from lab.registry_trust import HOST, PORT
from lab.settings import REGISTER, LabHome

START_SECONDS = 30.0


def folder(home: LabHome) -> Path:
    """What the registry of a lab consists of: its configuration, key, certificate and log."""
    return home.path / "registry"


def images(home: LabHome) -> Mapping[str, str]:
    """The images that the lab's servers can pull, by service, each as ``registry.lab:5000/name:tag@sha256:...``.

    With the lab's servers switched off they are on paper, as everything is: digests of zeros.

    Raises:
        LabError: the images were not made yet.
    """
    if not home.servers_enabled:
        return {image.name: f"{HOST}/{image.name}:{image.tag}@sha256:{'0' * 64}" for image in SERVICE_IMAGES}
    made = built_images()
    if not made:
        raise LabError("the services' images were not made yet; `fleet lab up` makes them")
    return {image.name: f"{HOST}/{image.name}:{image.tag}@{image.digest}" for image in made.values()}


def start(home: LabHome) -> None:
    """Start the registry unless it runs; returns when it answers.

    Raises:
        LabError: it does not get that far; the message has the end of its log.
    """
    if pid_of(pid_file(home), _marker(home)) is not None:
        return
    address = home.ranges.registry_address
    namespace.add_local_address(home, address)
    trust = registry_trust.make(folder(home), address)
    log = folder(home) / "log"
    log.unlink(missing_ok=True)
    storage().folder.mkdir(parents=True, exist_ok=True)
    configuration = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage().folder)},
            "maintenance": {"readonly": {"enabled": True}},
        },
        "http": {
            "addr": f"{address}:{PORT}",
            "tls": {"certificate": str(trust.certificate), "key": str(trust.key)},
        },
    }
    # JSON is YAML.
    _configuration(home).write_text(json.dumps(configuration, indent=1) + "\n")
    pid = spawn([*namespace.inside(home), "docker-registry", "serve", str(_configuration(home))], log)
    pid_file(home).parent.mkdir(parents=True, exist_ok=True)
    pid_file(home).write_text(str(pid))
    deadline = time.monotonic() + START_SECONDS
    while not _answers(str(address), trust.authority):
        if has_ended(pid) or time.monotonic() > deadline:
            raise LabError(f"the lab's registry does not start: {' '.join(log.read_text().strip().splitlines()[-1:])}")
        time.sleep(0.02)


def stop(home: LabHome) -> None:
    """End the registry if it runs, and remove what is its own; the images stay in the user's cache."""
    pid = pid_of(pid_file(home), _marker(home))
    if pid is not None:
        end(pid, _marker(home), patience_seconds=5.0)
    pid_file(home).unlink(missing_ok=True)
    shutil.rmtree(folder(home), ignore_errors=True)


def pid_file(home: LabHome) -> Path:
    """Where the registry's process is noted."""
    return REGISTER / home.id / "registry.pid"


def _configuration(home: LabHome) -> Path:
    return folder(home) / "config.yml"


def _marker(home: LabHome) -> str:
    return str(_configuration(home))


def _answers(address: str, authority: Path) -> bool:
    try:
        context = ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(f"https://{address}:{PORT}/v2/", timeout=5, context=context) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
